"""The first admin's link: works once, signed, and only while there is no user."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from pushdash.first_run import create_admin, link

pytestmark = pytest.mark.django_db
ANSWER = {"username": "maya", "password": "correct horse battery"}


def test_the_link_makes_an_admin_who_is_signed_in_and_sees_live(client):
    address = link("")
    assert client.get(address).status_code == 200
    answer = client.post(address, ANSWER, follow=True)
    assert answer.status_code == 200
    assert "Connect a log source" in answer.content.decode()
    user = User.objects.get()
    assert user.username == "maya"
    assert user.has_perm("notifications.manage_users")
    assert not user.is_superuser


def test_a_used_link_says_so_and_makes_nobody(client):
    address = link("")
    client.post(address, ANSWER)
    answer = client.post(address, ANSWER | {"username": "mallory"})
    assert answer.status_code == 410
    assert "This link has been used" in answer.content.decode()
    assert User.objects.count() == 1


def test_a_forged_link_makes_nobody(client):
    assert client.post("/first-run/first-run:forged:sign/", ANSWER).status_code == 410
    assert not User.objects.exists()


def test_a_link_of_yesterday_makes_nobody(client, monkeypatch):
    address = link("")
    monkeypatch.setattr("pushdash.first_run.LIFE_SECONDS", -1)
    assert client.post(address, ANSWER).status_code == 410
    assert not User.objects.exists()


def test_a_weak_password_is_refused_with_its_reason(client):
    answer = client.post(link(""), ANSWER | {"password": "12345"})
    assert "too short" in answer.content.decode()
    assert not User.objects.exists()


def test_there_is_no_link_and_no_second_admin_once_somebody_is_there():
    assert create_admin(**ANSWER) is not None
    assert create_admin("second", "correct horse battery") is None
    assert link("http://localhost") == ""
