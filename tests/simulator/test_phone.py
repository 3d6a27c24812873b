"""iOS's rule, as the phones of the rehearsal obey it (APNS.md A6)."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.fleet import Fleet
from simulator.population import ignoring, late, obedient, offline

AOR = "sip:alice@sip.example.org"
START = datetime(2026, 7, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Scene:
    """One phone, registered at START; pushes come where the test says."""

    def __init__(self, phone) -> None:
        self.phone = phone
        self.requests = []
        self.fleet = Fleet([phone], lambda _: None)
        self.fleet.registrar.on_request = lambda _, request: self.requests.append(
            request
        )
        if phone.is_online:
            self.fleet.plan(START, "open", phone.name)
        self.now = START + MINUTE
        self.fleet.advance(self.now)

    def push(self, push_type="voip", life=timedelta(seconds=30)) -> list[float]:
        """Seconds after the push of every REGISTER in the two minutes that follow."""
        is_voip = push_type == "voip"
        token = self.phone.voip_token if is_voip else self.phone.remote_token
        before, at = len(self.requests), self.now
        self.fleet.push(token, push_type, at, at + life)
        self.now += 2 * MINUTE
        self.fleet.advance(self.now)
        start_ms = at.timestamp() * 1000
        return [(row.at_ms - start_ms) / 1000 for row in self.requests[before:]]


def test_an_obedient_phone_registers_within_seconds_with_a_challenge_first():
    scene = Scene(obedient(AOR))
    moments = scene.push()
    assert len(moments) == 2
    assert 0.9 <= moments[0] < moments[1] < 5
    assert [row.is_authorized for row in scene.requests[-2:]] == [False, True]


def test_three_failures_in_a_row_block_voip_but_not_remote_pushes():
    scene = Scene(ignoring(AOR))
    assert [scene.push() for _ in range(2)] == [[], []]
    assert not scene.phone.is_blocked
    assert scene.push() == []
    assert scene.phone.is_blocked
    scene.phone.ignores = 0  # a mended app does not help: iOS does not launch it
    assert scene.push() == []
    assert len(scene.push("alert")) == 2


def test_a_handled_push_ends_the_run_of_failures():
    scene = Scene(ignoring(AOR, 2))
    scene.push(), scene.push()
    assert scene.phone.failures == 2
    assert len(scene.push()) == 2
    assert scene.phone.failures == 0


def test_a_reinstall_with_new_tokens_cures_a_block():
    scene = Scene(ignoring(AOR))
    for _ in range(3):
        scene.push()
    old, instance = scene.phone.voip_token, scene.phone.instance_id
    scene.fleet.plan(scene.now, "reinstall", "alice")
    scene.now += MINUTE
    scene.fleet.advance(scene.now)
    assert scene.phone.voip_token != old
    assert scene.phone.instance_id != instance
    assert scene.fleet.lookup(old).retired_at is not None
    assert len(scene.push()) == 2


def test_an_open_app_answers_though_it_is_blocked_and_no_failure_is_counted():
    scene = Scene(ignoring(AOR))
    for _ in range(3):
        scene.push()
    scene.phone.foreground_until_ms = int((scene.now + MINUTE).timestamp() * 1000)
    assert len(scene.push()) == 2
    assert scene.phone.is_blocked


def test_an_app_slower_than_the_limit_is_killed_and_never_registers():
    phone = obedient(AOR)
    phone.wake_ms = [7_500, 7_500]
    scene = Scene(phone)
    assert scene.push() == []
    assert phone.failures == 1


def test_a_slow_network_delays_the_wake_and_is_no_failure():
    scene = Scene(late(AOR, 45))
    moments = scene.push(life=timedelta(seconds=90))
    assert 45.9 <= moments[0] < 50
    assert scene.phone.failures == 0


@pytest.mark.parametrize(("life_minutes", "woken"), [(30, 2), (1, 0)])
def test_an_offline_phone_gets_what_is_still_alive_on_its_return(life_minutes, woken):
    scene = Scene(offline(AOR))
    assert scene.push("alert", life_minutes * MINUTE) == []
    scene.fleet.plan(scene.now, "return", "alice")
    scene.fleet.advance(scene.now + MINUTE)
    assert len(scene.requests) == woken


def test_two_accounts_of_one_install_register_both_with_the_same_tokens():
    phone = obedient(AOR)
    phone.accounts.append("sip:sales@sip.example.org")
    scene = Scene(phone)
    assert len(scene.push()) == 4
    assert {row.aor for row in scene.requests} == set(phone.accounts)
