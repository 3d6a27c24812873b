"""Payload templates on their page: looked at, edited, refused, given back."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from notifications.models import AuditEntry, PayloadTemplate, Push
from notifications.outbox import PushRequest, enqueue
from tests.factories import app, registered_device, sandbox_credential
from tests.notifications import people

pytestmark = pytest.mark.django_db
OWN = {"aps": {"alert": "{caller} wrote", "category": "CHAT"}}


def post(kind: str, body: object, group: str = "admin", **values):
    path = reverse("notifications:change-payload", args=[app().pk, kind])
    text = body if isinstance(body, str) else json.dumps(body)
    return people.browser_of(group).post(path, {"body": text, **values})


def test_the_page_shows_each_kind_with_a_devices_values():
    device = registered_device("sip:zoe@example.org")
    device.contact += ";pn-msg-str=ZOES_TEXT"
    device.save()
    path = reverse("notifications:payloads", args=[app().pk])
    page = people.browser_of("ops").get(path, {"aor": device.aor}).content.decode()
    assert "ZOES_TEXT" in page
    assert device.instance_id.strip("<>") in page
    assert page.count("of 4,096 bytes") == 5
    assert "of 5,120 bytes" in page
    assert "Edit the template" not in page


def test_a_saved_template_is_what_pushes_have_and_is_audited():
    sandbox_credential()
    assert post("message", OWN).status_code == 302
    device = registered_device()
    request = PushRequest(
        device=device, push_type="alert", origin="api", from_uri="sip:a@b"
    )
    assert enqueue([request], device.first_seen_at)[0].payload["aps"] == {
        "alert": "sip:a@b wrote",
        "category": "CHAT",
    }
    assert AuditEntry.objects.get().detail == {"kind": "message", "template": "own"}
    post("message", OWN, default="1")
    assert not PayloadTemplate.objects.exists()


def test_a_preview_stores_nothing():
    answer = post("message", OWN, preview="1")
    assert answer.status_code == 200
    assert "Müller wrote" in answer.content.decode()
    assert not PayloadTemplate.objects.exists()


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        ("message", "{", "This is no JSON"),
        ("message", {"aps": {}}, "must hold an alert"),
        ("message", {"aps": {"alert": "{nonsense}"}}, "no placeholder"),
        ("message", {"aps": {"alert": "x" * 4096}}, "Apple takes 4096"),
        ("call", {"aps": {}, "x": "y" * 5120}, "Apple takes 5120"),
        ("message", '{"aps": {"alert": "\\ud800"}}', "This is no JSON"),
        ("message", '{"aps": {"alert": "\\u0000"}}', "holds a NUL"),
        ("message", '{"aps": {"alert": "x", "badge": NaN}}', "This is no JSON"),
    ],
)
def test_what_is_no_payload_is_refused_beside_its_field(kind, body, words):
    answer = post(kind, body)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not PayloadTemplate.objects.exists()


def test_an_address_without_such_a_kind_changes_nothing():
    assert post("nonsense", OWN).status_code == 302
    assert not PayloadTemplate.objects.exists()


def test_a_pushs_page_explains_the_text_and_its_fallback():
    sandbox_credential()
    device = registered_device()
    request = PushRequest(
        device=device, push_type="alert", origin="api", display_name="<b>Ann"
    )
    push = enqueue([request], device.first_seen_at)[0]
    page = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "An app without such a text shows <code>IM_MSG</code> itself" in page
    assert "with “&lt;b&gt;Ann” in it" in page
    assert Push.objects.get().kind == "message"
