"""A push as a command: everything APNs was told, and nothing that proves or rings."""

from __future__ import annotations

import shlex

import pytest
from django.utils import timezone

from notifications import push_page
from notifications.curl import command_of
from notifications.models import Credential, Push
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def words_of(push: Push, credential: Credential | None = None) -> list[str]:
    """What a shell makes of the command."""
    return shlex.split(command_of(push, push_page.headers_of(push), credential))


@pytest.fixture
def push() -> Push:
    found = factories.accepted_push(factories.registered_device(), timezone.now())
    found.payload = {"aps": {"alert": "it's `$(reboot)` \N{BELL}"}, "from": "'; ls"}
    found.save(update_fields=["payload"])
    return push_page.rows().get()


def test_a_shell_reads_every_header_and_the_payload_unharmed(push):
    words = words_of(push)
    assert words[:2] == ["curl", "--http2"]
    headers = [
        after
        for word, after in zip(words, words[1:], strict=False)
        if word == "--header"
    ]
    assert headers[0] == "authorization: bearer $PROVIDER_TOKEN"
    assert headers[1:] == [
        f"{name}: {value}" for name, value in push_page.headers_of(push)[1:]
    ]
    body = words[words.index("--data") + 1]
    assert "it's `$(reboot)` \\ud83d\\udd14" in body
    assert "'; ls" in body


def test_the_command_goes_to_the_server_of_the_credential(push):
    path = f"/3/device/{push.token.masked}"
    host = {"production": "api.push.apple.com", "sandbox": "api.sandbox.push.apple.com"}
    assert words_of(push)[-1] == f"https://{host[push.environment]}{path}"
    other = Credential(kind="certificate", server="other", host="apns.test", port=2197)
    assert words_of(push, other)[-1] == f"https://apns.test:2197{path}"
    assert "--cert" in words_of(push, other)


def test_the_page_offers_the_command_with_the_token_masked(push):
    page = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "Copy as cURL, the token masked" in page
    assert push.token.token not in page


def test_what_a_sip_server_sent_itself_has_no_command(push):
    Push.objects.filter(pk=push.pk).update(payload={}, origin="observed")
    page = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "cURL" not in page
