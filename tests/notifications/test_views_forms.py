"""Forms of the dashboard: what is refused is said beside its field, what is done is audited."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.auth.models import User
from django.urls import reverse

from notifications.credentials import unseal
from notifications.models import App, AuditEntry, Credential, Reset
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db

POLICY = {
    "name": "Phone",
    "bundle_id": factories.BUNDLE_ID,
    "threshold": 3,
    "wake_window": 30,
    "grace": 5,
    "late_window": 90,
    "reach_window": 900,
    "foreground_window": 20,
    "release_after": 86_400,
    "voip_life": 30,
    "device_limit": 60,
    "push_limit": 0,
}


def post(name: str, values: dict, *args, group: str = "admin", follow: bool = False):
    """The answer to a form sent by the person of a group."""
    path = reverse(f"notifications:{name}", args=args)
    return people.browser_of(group).post(path, values, follow=follow)


def key_form(app: App, **values) -> dict:
    """A complete credential form."""
    return {
        "app": app.pk,
        "environment": "sandbox",
        "team_id": "TEAM123456",
        "key_id": "KEY1234567",
        "key": people.new_key(),
        "server": "sandbox",
    } | values


def test_tokens_are_masked_until_an_admin_reveals_them_with_a_reason():
    device = factories.registered_device()
    token = factories.token_of(device).token
    page = people.browser_of("admin").get(
        reverse("notifications:device", args=[device.pk])
    )
    assert token not in page.content.decode()
    answer = post("reveal", {"reason": "ticket 4711"}, device.pk)
    assert token in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason) == ("token.reveal", "ticket 4711")
    assert token not in json.dumps(entry.detail)


def test_without_a_reason_no_token_is_revealed():
    device = factories.registered_device()
    answer = post("reveal", {"reason": " "}, device.pk, follow=True)
    assert factories.token_of(device).token not in answer.content.decode()
    assert not AuditEntry.objects.exists()


def test_strikes_are_reset_with_a_reason_and_an_audit_row():
    device = factories.registered_device()
    post("reset-strikes", {"reason": "phone replaced"}, device.pk, group="support")
    assert Reset.objects.get().token == factories.token_of(device)
    assert AuditEntry.objects.get().action == "strikes.reset"


def test_strikes_are_not_reset_without_a_reason():
    device = factories.registered_device()
    answer = post("reset-strikes", {}, device.pk, group="support", follow=True)
    assert "Type a reason" in answer.content.decode()
    assert not Reset.objects.exists()


def test_a_changed_policy_is_stored_and_audited_with_what_changed():
    app = factories.app()
    post("change-app", POLICY | {"wake_window": 40}, app.pk)
    app.refresh_from_db()
    assert app.wake_window == timedelta(seconds=40)
    assert AuditEntry.objects.get().detail == {"wake_window": "0:00:40"}


def test_a_refused_policy_is_shown_in_the_form_of_its_own_app():
    app = factories.app()
    answer = post("change-app", POLICY | {"threshold": 0}, app.pk)
    page = answer.content.decode()
    own = page.partition(f'action="/settings/apps/{app.pk}/"')[2].partition("</form>")[
        0
    ]
    assert answer.status_code == 422
    assert "greater than or equal to 1" in own
    assert not AuditEntry.objects.exists()


def test_a_bundle_id_stands_once():
    factories.app()
    answer = post("add-app", POLICY)
    assert answer.status_code == 422
    assert "already exists" in answer.content.decode()


def test_a_key_is_sealed_and_never_shown_again():
    app = factories.app()
    values = key_form(app)
    answer = post("set-credential", values, follow=True)
    stored = Credential.objects.get()
    secret = values["key"].splitlines()[1]
    assert secret not in bytes(stored.sealed_key).decode()
    assert unseal(stored.sealed_key) == values["key"]
    assert secret not in answer.content.decode()
    assert secret not in json.dumps(AuditEntry.objects.get().detail)


def test_a_second_key_replaces_the_first_of_its_environment():
    app = factories.app()
    post("set-credential", key_form(app))
    post("set-credential", key_form(app, key_id="KEY7654321"))
    assert Credential.objects.get().key_id == "KEY7654321"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"key": "hello"}, "no .p8 key"),
        ({"key": people.new_key(ec.SECP384R1())}, "P-256"),
        ({"server": "other"}, "needs its host name"),
        ({"team_id": "short"}, "Enter a valid value"),
    ],
)
def test_a_key_that_cannot_serve_is_refused_in_words(changed, words):
    answer = post("set-credential", key_form(factories.app(), **changed))
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Credential.objects.exists()


def test_a_refused_form_sends_no_key_back():
    values = key_form(factories.app(), team_id="wrong")
    page = post("set-credential", values)
    assert page.status_code == 422
    assert values["key"].splitlines()[1] not in page.content.decode()
    assert "KEY1234567" in page.content.decode(), "what is no secret stays"


def test_without_a_key_ring_no_key_is_taken_and_the_page_says_so(settings):
    settings.PUSHDASH_ENCRYPTION_KEYS = []
    answer = post("set-credential", key_form(factories.app()))
    assert answer.status_code == 422
    assert "PUSHDASH_ENCRYPTION_KEYS is not set" in answer.content.decode()


def test_a_new_person_has_the_rights_of_the_group_and_no_more():
    values = {"username": "mira", "password": "violet-harbour-71", "group": "support"}
    post("add-user", values)
    user = User.objects.get(username="mira")
    assert user.has_perm("notifications.resend")
    assert not user.has_perm("notifications.reveal")
    assert "violet" not in json.dumps(AuditEntry.objects.get().detail)


def test_a_weak_password_and_a_taken_name_are_refused():
    people.person("ops")
    values = {"username": "OPS-person", "password": "12345", "group": "ops"}
    page = post("add-user", values).content.decode()
    assert "This name is taken" in page
    assert "too short" in page


def test_a_login_that_was_taken_away_ends_at_once():
    browser, user = people.browser_of("ops"), people.person("ops")
    post("toggle-user", {}, user.pk)
    answer = browser.get(reverse("notifications:live"))
    assert answer["Location"].startswith("/login/")


def test_a_person_moved_to_another_group_has_its_rights_and_nobody_moves_themselves():
    user, admin = people.person("ops"), people.person("admin")
    post("change-group", {"group": "support"}, user.pk)
    post("change-group", {"group": "ops"}, admin.pk)
    assert User.objects.get(pk=user.pk).has_perm("notifications.resend")
    assert User.objects.get(pk=admin.pk).has_perm("notifications.manage_users")
    assert AuditEntry.objects.get().detail == {"group": "support"}


def test_nobody_takes_their_own_login_away():
    user = people.person("admin")
    post("toggle-user", {}, user.pk)
    user.refresh_from_db()
    assert user.is_active


def test_the_activity_log_is_for_admins():
    device = factories.registered_device("sip:zoe@example.org")
    post("reset-strikes", {"reason": "a-secret-reason"}, device.pk)
    path = reverse("notifications:failures") + "?tab=activity"
    assert b"a-secret-reason" in people.browser_of("admin").get(path).content
    assert b"a-secret-reason" not in people.browser_of("ops").get(path).content


def test_a_device_page_prints_threshold_and_window_beside_the_strikes():
    factories.app(wake_window=timedelta(seconds=44), threshold=4)
    device = factories.registered_device()
    page = people.browser_of("ops").get(f"/devices/{device.pk}/").content.decode()
    assert "Wake window 44 s, suspected from 4 strikes" in page


def test_what_a_phone_sent_is_shown_and_never_run():
    device = factories.registered_device("sip:<script>alert(1)</script>@example.org")
    for path in ("/devices/", f"/devices/{device.pk}/"):
        page = people.browser_of("ops").get(path).content.decode()
        assert "<script>alert" not in page


def test_the_search_leads_to_the_one_thing_it_names():
    device = factories.registered_device("sip:alice@example.org")
    factories.registered_device("sip:bob@example.org")
    push = people.old_push(device)
    token = factories.token_of(device).token
    browser = people.browser_of("ops")
    for text in ("alice", device.instance_id[1:-1], token, device.aor):
        answer = browser.get("/search/", {"q": text})
        assert answer["Location"] == f"/devices/{device.pk}/"
    for text in (str(push.pk), push.call_id):
        assert browser.get("/search/", {"q": text})["Location"] == f"/pushes/{push.pk}/"
    assert browser.get("/search/", {"q": "phone"})["Location"] == "/devices/?q=phone"


def test_how_a_feed_is_read_is_kept_and_audited():
    feed = factories.feed()
    values = {"heartbeat": 120, "default_expires": 600, "timezone": "Europe/Paris"}
    post("change-feed", values | {"enabled": "on"}, feed.pk)
    feed.refresh_from_db()
    assert (feed.heartbeat, feed.timezone) == (timedelta(seconds=120), "Europe/Paris")
    assert feed.enabled
    assert not feed.assume_accepted
    assert AuditEntry.objects.get().detail["timezone"] == "Europe/Paris"


def test_a_time_zone_nobody_knows_is_refused_by_name():
    feed = factories.feed()
    values = {"heartbeat": 120, "default_expires": 600, "timezone": "Mars/Base"}
    answer = post("change-feed", values, feed.pk)
    page = answer.content.decode()
    assert answer.status_code == 422
    # What was typed stands in its field, and the error beside it.
    assert 'value="Mars/Base"' in page
    assert "is known here: say Europe/Paris, or UTC." in page
    assert feed.timezone == type(feed).objects.get().timezone
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/settings/credentials/", "app"),
        ("/settings/people/", "group"),
        ("/settings/api-tokens/", "app"),
    ],
)
def test_a_choice_with_nul_in_it_is_named_at_its_field(path, name):
    answer = people.browser_of("admin").post(path, {name: "1\x00"})
    assert answer.status_code == 422
    assert "Select a valid choice" in answer.content.decode()
