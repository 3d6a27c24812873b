"""Pushing with a certificate in place of a key: read, stored sealed, tried, warned of."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from notifications import attention
from notifications.apns import Certificate, Client, Outcome, Server
from notifications.certificates import BadCertificate, read_certificate
from notifications.credentials import unseal
from notifications.dry_run import dry_run
from notifications.expiry import warning_of
from notifications.models import AuditEntry, Credential
from notifications.sending import Sender
from simulator.apns import ApnsServer
from simulator.certificates import as_pem, make
from simulator.tls import make_identity
from tests import factories
from tests.apns import Phones, push
from tests.notifications import people
from tests.notifications.test_dry_run import BUNDLE_ID, serving

NOW = datetime.now(UTC)
PASSWORD = "Dschungel"


def p12(identity, password: str = PASSWORD, **changes) -> bytes:
    certificate, key = make(identity, BUNDLE_ID, **changes)
    return pkcs12.serialize_key_and_certificates(
        b"push", key, certificate, None,
        serialization.BestAvailableEncryption(password.encode()),
    )  # fmt: skip


def pem(identity, **changes) -> str:
    return as_pem(*make(identity, BUNDLE_ID, **changes))


# On the wire


def send(identity, shown: str, count: int = 1, **changes):
    """Results of pushes with this certificate to a strict server, and the server."""

    async def main():
        server = ApnsServer(Phones(), identity, is_strict=True)
        await server.start()
        address = Server("localhost", server.port, identity.ca_pem)
        client = Client(Certificate(shown), address)
        try:
            sends = (client.send(push(**changes), 2) for _ in range(count))
            return await asyncio.gather(*sends), server
        finally:
            await client.close()
            await server.close()

    return asyncio.run(main())


def test_a_certificate_needs_no_provider_token_and_no_patience(identity):
    results, server = send(identity, pem(identity), 50)
    assert {one.outcome for one in results} == {Outcome.ACCEPTED}
    assert dict(server.provider_tokens) == {"": 50}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"life": timedelta(days=-1)}, "BadCertificate"),
        ({"environments": ("sandbox",)}, "BadCertificateEnvironment"),
    ],
)
def test_apns_names_what_is_wrong_with_a_certificate(identity, changes, reason):
    (result,), _ = send(identity, pem(identity, **changes))
    assert (result.outcome, result.reason) == (Outcome.REJECTED, reason)


def test_a_topic_the_certificate_does_not_name_is_disallowed(identity):
    shown = as_pem(*make(identity, "org.example.other"))
    (result,), _ = send(identity, shown)
    assert result.reason == "TopicDisallowed"


def test_a_certificate_nobody_trusts_sends_nothing(identity, tmp_path):
    (result,), server = send(identity, pem(make_identity(tmp_path)))
    assert (result.outcome, server.received.total()) == (Outcome.NOT_SENT, 0)


def test_a_pem_of_nonsense_sends_nothing_and_says_so(identity):
    (result,), _ = send(identity, "no certificate")
    assert result.outcome == Outcome.NOT_SENT
    assert "certificate cannot be used" in result.detail


# The file


def test_a_p12_and_a_pem_tell_the_same(identity):
    certificate, key = make(identity, BUNDLE_ID)
    sealed = serialization.BestAvailableEncryption(b"x")
    packed = pkcs12.serialize_key_and_certificates(None, key, certificate, None, sealed)
    a = read_certificate(packed, "x", NOW)
    b = read_certificate(as_pem(certificate, key).encode(), "", NOW)
    assert a == b
    assert a.topics == (BUNDLE_ID, f"{BUNDLE_ID}.voip", f"{BUNDLE_ID}.complication")
    assert a.environments == {"production", "sandbox"}
    assert a.expires_at == certificate.not_valid_after_utc


def test_what_is_wrong_with_a_file_is_said(identity):
    certificate, key = make(identity, BUNDLE_ID)
    _, other = make(identity, BUNDLE_ID)
    lone = certificate.public_bytes(serialization.Encoding.PEM)
    wrong = {
        "password is wrong": (p12(identity), "another"),
        "no .p12 file": (b"nonsense", ""),
        "no private key": (lone, ""),
        "both the certificate and its private key": (
            as_pem(certificate, other).encode(),
            "",
        ),
        "it expired on": (pem(identity, life=timedelta(days=-1)).encode(), ""),
    }
    for why, (data, password) in wrong.items():
        with pytest.raises(BadCertificate, match=why):
            read_certificate(data, password, NOW)


# On the page


def form(data: bytes, **changes) -> dict:
    return {
        "app": factories.app(BUNDLE_ID).pk,
        "environment": "production",
        "file": SimpleUploadedFile("push.p12", data),
        "password": PASSWORD,
        "server": "other",
        "host": "localhost",
    } | changes


def store(values: dict, group: str = "admin"):
    path = reverse("notifications:set-certificate")
    return people.browser_of(group).post(path, values)


@pytest.mark.django_db
def test_a_stored_certificate_is_sealed_audited_and_never_shown(identity):
    assert store(form(p12(identity))).status_code == 302
    kept = Credential.objects.get()
    assert (kept.kind, kept.team_id, kept.key_id) == ("certificate", "", "")
    assert "PRIVATE KEY" in unseal(kept.sealed_key)
    assert b"PRIVATE KEY" not in bytes(kept.sealed_key)
    entry = AuditEntry.objects.get()
    assert entry.detail["certificate"] == f"Apple Push Services: {BUNDLE_ID}"
    page = people.browser_of("admin").get(reverse("notifications:settings"))
    said = page.content.decode()
    assert f"Apple Push Services: {BUNDLE_ID}" in said
    assert f"{BUNDLE_ID}.complication" in said
    assert "PRIVATE KEY" not in said
    assert PASSWORD not in said


@pytest.mark.django_db
def test_a_refused_form_sends_neither_certificate_nor_password_back(identity):
    text = pem(identity)
    answer = store(form(text.encode(), host=""))
    assert answer.status_code == 422
    said = answer.content.decode()
    assert PASSWORD not in said
    assert not [line for line in text.splitlines() if len(line) == 64 and line in said]


@pytest.mark.django_db
def test_a_key_takes_the_place_of_a_certificate_and_back(identity):
    store(form(p12(identity)))
    key = {
        "team_id": "TEAM123456",
        "key_id": "KEY1234567",
        "key": people.new_key(),
    }
    values = form(b"") | key
    del values["file"]
    people.browser_of("admin").post(reverse("notifications:set-credential"), values)
    kept = Credential.objects.get()
    assert (kept.kind, kept.expires_at, kept.topics) == ("key", None, [])
    store(form(p12(identity)))
    assert Credential.objects.get().kind == "certificate"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"password": "wrong"}, "password is wrong"),
        ({"environment": "sandbox"}, "it is a certificate for production"),
        ({"host": ""}, "needs its host name"),
    ],
)
def test_what_cannot_be_stored_is_refused_beside_its_field(identity, changes, why):
    data = p12(identity, environments=("production",))
    answer = store(form(data, **changes))
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not Credential.objects.exists()


@pytest.mark.django_db
def test_a_certificate_of_another_app_is_refused(identity):
    other = factories.app("org.example.other").pk
    answer = store(form(p12(identity), app=other))
    assert f"it is for {BUNDLE_ID}" in answer.content.decode()


@pytest.mark.django_db
def test_who_may_not_manage_credentials_stores_none(identity):
    assert store(form(p12(identity)), group="support").status_code == 403


@pytest.mark.django_db
def test_a_stored_certificate_is_tried_with_apns(identity):
    store(form(p12(identity)))
    with serving(identity) as (port, phones):
        Credential.objects.update(port=port, ca_pem=identity.ca_pem)
        found = dry_run(Credential.objects.get(), timezone.now())
    assert all(one.is_ok for one in found), found
    assert phones.delivered == []


# The end


@pytest.mark.parametrize(
    ("left", "stage", "words"),
    [
        (timedelta(days=61), None, ""),
        (timedelta(days=60), 60, "expires in 60 days"),
        (timedelta(days=30), 30, "expires in 30 days"),
        (timedelta(days=14), 14, "expires in 14 days"),
        (timedelta(days=7), 7, "expires in 7 days"),
        (timedelta(days=1, hours=1), 7, "expires in 2 days"),
        (timedelta(days=1), 1, "expires in 1 day"),
        (timedelta(hours=1), 1, "expires in 1 day,"),
        (timedelta(0), 0, "expired on"),
    ],
)
def test_the_end_of_a_certificate_is_said_in_stages(left, stage, words):
    warning = warning_of(NOW + left, NOW)
    assert (warning and warning.days) == stage
    assert words in (warning.words if warning else "")
    assert warning_of(None, NOW) is None


@pytest.mark.django_db
@pytest.mark.parametrize(("days", "apps"), [(70, 0), (50, 1), (5, 1)])
def test_an_end_that_is_near_asks_for_attention(identity, days, apps):
    store(form(p12(identity, life=timedelta(days=days))))
    assert attention.read().apps == apps
    page = people.browser_of("ops").get(reverse("notifications:settings"))
    assert ("expires in" in page.content.decode()) == bool(apps)


@pytest.mark.django_db
def test_nothing_is_sent_with_a_certificate_that_has_expired(identity):
    store(form(p12(identity)))
    Credential.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    device = factories.registered_device(bundle_id=BUNDLE_ID)
    waiting = factories.accepted_push(device, timezone.now(), state="sending")
    credentials = {(waiting.app_id, "sandbox"): Credential.objects.get()}
    sender = Sender(timezone.now, journal=None)
    sender.begin([waiting], credentials)
    (done,) = sender.ended(5)
    assert done.result.outcome == Outcome.NOT_SENT
    assert "has expired" in done.result.detail
