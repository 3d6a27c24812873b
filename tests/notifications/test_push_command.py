"""`manage.py push`: which devices of an AOR it sends to, and how it ends."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from notifications.management.commands import push as command
from notifications.models import Push
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db

AOR = "sip:alice@example.org"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Nobody drains the queue here: the command need not wait for it."""
    monkeypatch.setattr(command, "OUTCOME_SECONDS", 0)


def run(*arguments: str) -> tuple[str, str]:
    """What it printed and what it warned of; it ends with 1, for nothing is accepted."""
    out, errors = StringIO(), StringIO()
    with pytest.raises(SystemExit) as ending:
        call_command("push", *arguments, stdout=out, stderr=errors)
    assert ending.value.code == 1
    return out.getvalue(), errors.getvalue()


def without_tokens(device) -> None:
    device.holdings.update(current=False)


def test_a_desk_phone_of_the_same_aor_keeps_no_iphone_from_ringing():
    iphone = people.reachable_device(AOR)
    without_tokens(factories.registered_device(AOR))
    out, errors = run("--aor", AOR, "--type", "voip")
    assert [push.device for push in Push.objects.all()] == [iphone]
    assert len(out.splitlines()) == 1
    assert "not sent: " in errors


def test_devices_that_all_lack_a_token_are_an_error_that_says_why():
    without_tokens(people.reachable_device(AOR))
    with pytest.raises(CommandError, match="no voip token"):
        call_command("push", "--aor", AOR, "--type", "voip")
    assert not Push.objects.exists()
