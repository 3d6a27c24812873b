"""A device the gateway learned, until a REGISTER tells whose the token is: both forms."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from notifications.gateway_keys import give_key
from notifications.models import Credential, Push
from registrations.models import Device, DeviceEvent, Environment, Holding
from tests import factories
from tests.notifications import people
from tests.registrations.logs import INSTANCE, REMOTE, VOIP, FlexisipLog, contact
from tests.registrations.test_token_losses import said

pytestmark = pytest.mark.django_db
AOR, NAMELESS = "sip:alice@example.org", "unknown (a1a1a1…a1a1)"
LEARNED = "Learned from the gateway"


@pytest.fixture
def secret():
    credential = factories.sandbox_credential()
    environment = server = Environment.PRODUCTION
    Credential.objects.filter(pk=credential.pk).update(
        environment=environment, server=server
    )
    return give_key("flexisip", [], timezone.now())


@pytest.fixture
def by_url(client, secret):
    def ask(call_id: str, **values) -> Push:
        said = {
            "app-id": f"{factories.BUNDLE_ID}.voip.prod",
            "token": VOIP,
            "call-id": call_id,
            "to-uri": AOR,
        }
        path = f"/gateway/{secret}/push/apple"
        assert client.post(path, query_params=said | values).status_code == 200
        return Push.objects.get(call_id=call_id)

    return ask


@pytest.fixture
def by_json(client, secret):
    def ask(call_id: str) -> Push:
        said = {
            "pn_provider": "apns",
            "pn_param": f"ABCD1234.{factories.BUNDLE_ID}.voip",
            "pn_prid": VOIP,
            "type": "call",
            "call_id": call_id,
        }
        path, headers = "/flexiapi/api/push_notification", {"x-api-key": secret}
        answer = client.post(path, said, "application/json", headers=headers)
        assert answer.status_code == 200
        return Push.objects.get(call_id=call_id)

    return ask


@pytest.fixture
def register(tmp_path):
    """A REGISTER with the token is read from a log."""

    def read() -> Device:
        path = tmp_path / "proxy.log"
        path.write_bytes(said(FlexisipLog(), 0, 1, contact()).bytes)
        call_command("ingest", str(path), stderr=StringIO())
        return Device.objects.exclude(feed=None).get()

    return read


def page_of(device: Device) -> str:
    path = reverse("notifications:device", args=[device.pk])
    return people.browser_of("ops").get(path).content.decode()


def holders() -> set[str]:
    held = Holding.objects.filter(current=True, token__token=VOIP)
    return set(held.values_list("device__aor", flat=True))


def test_url_form_a_register_confirms_the_device(by_url, register):
    learned = by_url("c1", uid=f'"<{INSTANCE}>"').device
    assert learned.is_learned
    assert LEARNED in page_of(learned)
    assert register() == learned
    assert LEARNED not in page_of(learned)
    push = by_url("c2", uid=f'"<{INSTANCE}>"')
    assert push.device == learned
    assert push.payload["aps"]["uuid"] == f"<{INSTANCE}>"


def test_url_form_without_uid_gives_way_and_nobody_reinstalled(by_url, register):
    learned = by_url("c1").device
    device = register()
    assert (learned.aor, device.aor) == (AOR, AOR)
    assert by_url("c2").device == device != learned
    assert not DeviceEvent.objects.exists()
    assert Holding.objects.get(current=True, token__token=VOIP).device == device


def test_json_form_gives_way_to_who_registers_the_token(by_json, register):
    learned = by_json("c1").device
    assert (learned.aor, learned.is_learned) == (NAMELESS, True)
    device = register()
    push = by_json("c2")
    assert push.device == device
    assert push.payload["aps"]["uuid"] == f"<{INSTANCE}>"
    assert LEARNED not in page_of(device)
    assert holders() == {AOR}


def test_json_form_stays_with_what_it_learned_until_then(by_json):
    assert by_json("c1").device == by_json("c2").device
    assert Device.objects.count() == 1


def test_what_the_url_form_names_takes_over_what_has_no_name(by_json, by_url):
    by_json("c1")
    named = by_url("c2").device
    assert named.aor == AOR
    assert by_json("c3").device == named
    assert holders() == {AOR}


def test_the_remote_token_is_learned_and_confirmed_by_itself(by_url, register):
    app_id = f"{factories.BUNDLE_ID}.prod"
    said = {"app-id": app_id, "token": REMOTE, "uid": f'"<{INSTANCE}>"'}
    learned = by_url("c1", **said).device
    assert register() == learned
    kinds = Holding.objects.filter(device=learned, current=True)
    assert set(kinds.values_list("token__kind", flat=True)) == {"voip", "remote"}
