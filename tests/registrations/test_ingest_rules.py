"""Logs become devices, tokens and history; rows are asserted, never calls."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registrations.models import (
    Device,
    DeviceEvent,
    Feed,
    Holding,
    PushToken,
    Registration,
    Rejected,
    Sighting,
)
from tests.registrations.logs import (
    INSTANCE,
    MORNING,
    FlexisipLog,
    contact,
    plain,
    register,
)

pytestmark = pytest.mark.django_db
OTHER = "urn:uuid:22222222-0000-4000-8000-000000000002"


@pytest.fixture
def ingest(tmp_path):
    """Writes bytes to a log file and reads it with `manage.py ingest`."""

    def run(data: bytes, name: str = "proxy.log", feed: str | None = None) -> None:
        path = tmp_path / name
        path.write_bytes(data)
        call_command("ingest", str(path), feed=feed, stderr=StringIO())

    return run


def current_tokens(device: Device) -> dict[str, str]:
    held = Holding.objects.filter(device=device, current=True).select_related("token")
    return {row.token.kind: row.token.token for row in held}


def test_a_challenge_and_its_answer_are_one_registration_at_the_first_moment(ingest):
    log = FlexisipLog().request(0, register(cseq=1)).reply(0.1, 401)
    log.request(0.5, register(cseq=2, authorized=True), "0x2").reply(0.6, 200, "0x2")
    ingest(log.bytes)
    row = Registration.objects.get()
    assert (row.moment, row.kind) == (MORNING, Registration.Kind.REGISTERED)
    assert "username" not in row.line
    device = Device.objects.get()
    assert (device.bound, device.accepted, device.assumed) == (True, True, False)
    assert device.expires_at == MORNING + timedelta(seconds=3600)


def test_a_device_only_ever_challenged_is_seen_but_never_registered(ingest):
    ingest(FlexisipLog().request(0, register()).reply(0.1, 401).bytes)
    device = Device.objects.get()
    assert (device.accepted, device.bound) == (False, False)
    assert [row.kind for row in Sighting.objects.all()] == ["challenged"]
    assert not Registration.objects.exists()
    assert not PushToken.objects.exists()


def test_another_final_answer_is_a_sign_of_life_and_no_registration(ingest):
    ingest(FlexisipLog().request(0, register()).reply(0.1, 423).bytes)
    assert Sighting.objects.get().code == 423
    assert not Registration.objects.exists()


def test_a_retransmission_adds_nothing(ingest):
    log = FlexisipLog().request(0, register()).request(0.5, register())
    ingest(log.reply(0.6, 200).bytes)
    assert Registration.objects.count() == Sighting.objects.count() == 1


def test_a_late_copy_of_a_lower_cseq_adds_nothing(ingest):
    first, second = register(cseq=1), register(cseq=2)
    ingest(plain(first, second, first))
    assert Registration.objects.count() == 2
    assert Device.objects.get().cseq == 2


def test_the_reply_to_another_request_decides_no_register(ingest):
    log = FlexisipLog().request(0, register(), "0x1").reply(0.1, 200, "0x9")
    ingest(log.line(60, "pulse").bytes)
    assert not Registration.objects.exists()
    assert Sighting.objects.get().kind == "challenged"


def test_an_answer_that_comes_with_the_rest_of_the_file_still_decides(ingest):
    log = FlexisipLog().request(0, register())
    ingest(log.bytes)
    assert not Registration.objects.exists()
    ingest(log.reply(0.4, 200).bytes)
    assert Device.objects.get().accepted


def test_a_log_without_answers_is_taken_as_accepted_and_says_so(ingest):
    ingest(plain(register(cseq=1), register(cseq=2, authorized=True)))
    assert Registration.objects.get().assumed
    assert Feed.objects.get().has_assumed
    assert Device.objects.get().bound


def test_a_feed_that_assumes_nothing_registers_nothing_without_an_answer(ingest):
    Feed.objects.create(name="proxy.log", assume_accepted=False)
    ingest(plain(register()))
    assert not Registration.objects.exists()
    assert not Device.objects.get().bound


def test_a_log_without_times_read_afterwards_has_no_moments_and_no_expiry(ingest):
    ingest(plain(register()))
    device, sighting = Device.objects.get(), Sighting.objects.get()
    assert (device.last_registered_at, device.expires_at) == (None, None)
    assert (sighting.moment, sighting.estimated) == (None, False)
    assert not Sighting.objects.all().evidence().exists()
    assert Feed.objects.get().seen_until is None


def test_reading_the_same_file_again_changes_nothing(ingest):
    data = plain(register(cseq=1), register(call_id="c2"), register(call_id="c3"))
    ingest(data)
    ingest(data)
    ingest(data, name="copy.log", feed="proxy.log")
    assert Registration.objects.count() == 3
    assert Feed.objects.get().register_count == 3


def test_a_file_that_has_grown_is_read_on_from_where_it_was_left(ingest):
    data = plain(register())
    ingest(data)
    ingest(data + plain(register(call_id="c2", cseq=9)))
    assert [row.call_id for row in Registration.objects.order_by("id")] == ["c1", "c2"]


def test_the_watermark_is_the_moment_of_the_newest_record_of_any_kind(ingest):
    ingest(FlexisipLog().line(5, "first").line(9, "second").bytes)
    assert Feed.objects.get().seen_until == MORNING + timedelta(seconds=9)


def test_a_time_stamp_of_the_far_future_does_not_move_the_watermark(ingest):
    ingest(FlexisipLog().line(5, "now").line(10**9, "a broken clock").bytes)
    seen_until = Feed.objects.get().seen_until
    assert seen_until is None or seen_until < MORNING + timedelta(days=3650)


@pytest.mark.parametrize(
    "message",
    [
        register(call_id="c2", contacts=("*",), expires=0),
        register(call_id="c2", expires=0),
        register(call_id="c2", contacts=(contact(params=";expires=0"),)),
    ],
    ids=["star", "header", "parameter"],
)
def test_every_way_to_unregister_unbinds_and_leaves_the_tokens_held(ingest, message):
    ingest(plain(register(), message))
    device = Device.objects.get()
    assert not device.bound
    assert set(current_tokens(device)) == {"voip", "remote"}
    assert DeviceEvent.objects.get().kind == DeviceEvent.Kind.LOGGED_OUT


def test_a_previous_address_given_up_beside_the_live_one_does_not_unbind(ingest):
    old = contact(host="192.0.2.8:5060", params=";expires=0")
    ingest(plain(register(contacts=(contact(), old))))
    assert Device.objects.get().bound


def test_several_contacts_of_one_register_are_several_devices(ingest):
    second = contact(instance=OTHER, voip="c3" * 32, remote="d4" * 32)
    ingest(plain(register(contacts=(contact(), second))))
    assert Device.objects.filter(bound=True).count() == 2


def test_an_older_register_gives_history_but_leaves_the_state(ingest):
    log = FlexisipLog()
    log.request(10, register(call_id="new")).reply(10.1, 200)
    late = register(call_id="old", expires=0)
    ingest(log.request(5, late, "0x2").reply(11, 200, "0x2").bytes)
    device = Device.objects.get()
    assert device.bound
    assert device.last_registered_at == MORNING + timedelta(seconds=10)
    assert Registration.objects.count() == 2


def test_the_same_token_under_a_new_instance_is_a_reinstall(ingest):
    again = register(call_id="c2", contacts=(contact(instance=OTHER),))
    ingest(plain(register(), again))
    old = Device.objects.get(instance_id=INSTANCE)
    new = Device.objects.get(instance_id=OTHER)
    assert (old.bound, current_tokens(old)) == (False, {})
    assert new.bound and set(current_tokens(new)) == {"voip", "remote"}
    kinds = {(row.kind, row.token.kind) for row in new.events.all()}
    assert kinds == {("reinstalled", "voip"), ("reinstalled", "remote")}


def test_one_install_with_two_accounts_is_two_devices_that_hold_one_token(ingest):
    ingest(plain(register(), register(call_id="c2", aor="sip:bob@example.org")))
    assert Device.objects.filter(bound=True).count() == 2
    assert Holding.objects.filter(current=True, token__kind="voip").count() == 2
    assert PushToken.objects.filter(kind="voip").count() == 1
    assert not DeviceEvent.objects.exists()


def test_a_new_token_of_the_same_instance_is_a_token_change(ingest):
    changed = register(call_id="c2", contacts=(contact(voip="C3" * 32),))
    ingest(plain(register(), changed))
    event = DeviceEvent.objects.get()
    assert event.kind == DeviceEvent.Kind.TOKEN_CHANGED
    assert event.token.token == "c3" * 32
    assert (event.before, event.after) == ({"voip": "a1" * 32}, {"voip": "c3" * 32})
    assert current_tokens(Device.objects.get())["voip"] == "c3" * 32


def test_a_refresh_keeps_a_fingerprint_and_no_text(ingest):
    ingest(plain(register(), register(call_id="c2")))
    first, second = Registration.objects.order_by("id")
    assert (first.kind, second.kind) == ("registered", "refreshed")
    assert first.line and not second.line
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    "odd",
    [
        register(call_id="nul\0id", aor="sip:a\0b@example.org"),
        register(contacts=(contact(voip="%00" + "a" * 61),)),
        register(contacts=(contact(instance="urn:uuid:\0"),)),
        register(aor=f"sip:{'x' * 9000}@example.org"),
        register(contacts=(contact(voip="f" * 9000),)),
        register(contacts=(contact(instance="urn:x:" + "y" * 9000),)),
        register(cseq=10**30),
        register(expires=2**40),
    ],
    ids=["nul", "nul-token", "nul-urn", "aor", "token", "instance", "cseq", "expires"],
)
def test_an_odd_message_never_stops_the_feed(ingest, odd):
    ingest(plain(odd, register(call_id="sound", aor="sip:bob@example.org")))
    assert Device.objects.filter(aor="sip:bob@example.org", bound=True).exists()


def test_what_cannot_be_read_is_kept_with_its_rule_and_without_credentials(ingest):
    broken = register(authorized=True).replace("CSeq: 1 REGISTER", "CSeq: one")
    ingest(plain(broken, register(call_id="c2")))
    rejected = Rejected.objects.get()
    assert (rejected.rule, rejected.position) == ("cseq", 0)
    assert "username" not in rejected.excerpt
    assert Feed.objects.get().rejected_count == 1


def test_a_setting_changed_meanwhile_is_kept_and_obeyed(ingest):
    ingest(plain(register()))
    Feed.objects.update(heartbeat=timedelta(seconds=7), assume_accepted=False)
    ingest(plain(register(), register(call_id="c2", cseq=7)))
    feed = Feed.objects.get()
    assert (feed.heartbeat, feed.assume_accepted) == (timedelta(seconds=7), False)
    assert Registration.objects.count() == 1


def test_a_file_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("ingest", str(tmp_path / "none.log"))
