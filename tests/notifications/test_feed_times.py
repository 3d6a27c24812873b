"""What a source's times without zone or year are taken for is said where it is set."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse

from tests import factories
from tests.notifications import people
from tests.notifications.test_views_forms import post

pytestmark = pytest.mark.django_db


def settings_page() -> str:
    path = reverse("notifications:settings")
    return html.unescape(people.browser_of("admin").get(path).content.decode())


def test_the_page_says_what_times_without_zone_and_year_are_taken_for():
    feed = factories.feed()
    page = settings_page()
    assert "Times that name no zone: of this machine" in page
    assert "Times that name no year: by the file" in page
    values = {"heartbeat": 60, "default_expires": 600, "timezone": "Europe/Paris"}
    post("change-feed", values | {"year": 2024}, feed.pk)
    page = settings_page()
    assert "Times that name no zone: Europe/Paris." in page
    assert "Times that name no year: from 2024 on." in page
    feed.refresh_from_db()
    assert feed.year == 2024
    post("change-feed", values | {"year": ""}, feed.pk)
    feed.refresh_from_db()
    assert feed.year is None
