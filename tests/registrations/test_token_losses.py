"""When a token is lost: missing for 60 s of log time, in one batch, over batches, at last."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from registrations.management.commands.export import device_rows
from registrations.models import Device, DeviceEvent, Holding, PushToken, Registration
from tests.registrations.logs import (
    INSTANCE,
    MORNING,
    REMOTE,
    VOIP,
    FlexisipLog,
    contact,
    plain,
    register,
)

pytestmark = pytest.mark.django_db
#: What linphone-iphone #853 sends between two whole ones.
CUT = contact().replace(f"&{REMOTE}:remote", "&")
BARE = f'<sip:alice@192.0.2.7:5060>;+sip.instance="<{INSTANCE}>"'


@pytest.fixture
def ingest(tmp_path):
    """Reads a log as it grows, in as many batches as it is called."""
    path = tmp_path / "proxy.log"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        call_command("ingest", str(path), stderr=StringIO())

    return run


def said(log: FlexisipLog, second: float, cseq: int, uri: str, **values) -> FlexisipLog:
    """An accepted REGISTER with this Contact."""
    key = f"0x{cseq}"
    message = register(cseq=cseq, contacts=(uri,), authorized=True, **values)
    return log.request(second, message, key).reply(second + 0.1, 200, key)


def held() -> set[str]:
    rows = Holding.objects.filter(current=True).select_related("token")
    return {row.token.kind for row in rows}


@pytest.mark.parametrize("is_split", [False, True], ids=["one batch", "three batches"])
def test_a_register_cut_short_between_two_whole_ones_loses_nothing(ingest, is_split):
    log = FlexisipLog()
    for second, uri in ((0, contact()), (0.4, CUT), (0.8, contact())):
        said(log, second, int(second * 10) + 1, uri)
        if is_split:
            ingest(log.bytes)
    ingest(log.line(200, "later").bytes)
    assert held() == {"voip", "remote"}
    assert not DeviceEvent.objects.exists()
    assert not Holding.objects.filter(missing_since__isnull=False).exists()


@pytest.mark.parametrize("is_split", [False, True], ids=["one batch", "two batches"])
def test_a_missing_token_is_lost_when_log_time_has_gone_60_s_further(ingest, is_split):
    log = said(said(FlexisipLog(), 0, 1, contact()), 10, 2, CUT)
    ingest(log.line(69, "not yet").bytes)
    assert held() == {"voip", "remote"}
    if is_split:
        ingest(log.line(70, "still not").bytes)
        assert not DeviceEvent.objects.exists()
    ingest(log.line(70.2, "now").bytes)
    event = DeviceEvent.objects.get()
    assert (event.kind, event.token.kind) == (DeviceEvent.Kind.TOKEN_LOST, "remote")
    assert (event.before, event.after) == ({"remote": REMOTE}, {"remote": None})
    assert event.moment == MORNING + timedelta(seconds=10)
    assert held() == {"voip"}
    assert Holding.objects.get(current=False).until == event.moment


def test_a_token_that_comes_back_after_60_s_was_lost_and_is_held_anew(ingest):
    log = said(said(FlexisipLog(), 0, 1, contact()), 10, 2, CUT)
    ingest(said(log, 90, 3, contact()).bytes)
    assert [row.kind for row in DeviceEvent.objects.all()] == ["token_lost"]
    rows = Holding.objects.filter(token__kind="remote").order_by("id")
    assert [row.current for row in rows] == [False, True]
    assert rows[1].since == MORNING + timedelta(seconds=90)


def test_both_tokens_gone_is_a_logout(ingest):
    log = said(said(FlexisipLog(), 0, 1, contact()), 10, 2, BARE)
    ingest(log.line(80, "later").bytes)
    event = DeviceEvent.objects.get()
    assert event.kind == DeviceEvent.Kind.LOGGED_OUT
    assert event.before == {"voip": VOIP, "remote": REMOTE}
    assert event.after == {"voip": None, "remote": None}
    assert held() == set()
    assert Device.objects.get().bound


def test_a_logout_says_what_was_bound_before(ingest):
    log = said(said(FlexisipLog(), 0, 1, contact()), 10, 2, contact(), expires=0)
    ingest(log.bytes)
    event = DeviceEvent.objects.get()
    assert (event.before, event.after) == ({"bound": True}, {"bound": False})


def test_without_times_the_newest_line_is_right_at_once(ingest):
    ingest(plain(register(), register(cseq=2, call_id="c2", contacts=(CUT,))))
    assert held() == {"voip"}
    assert DeviceEvent.objects.get().kind == DeviceEvent.Kind.TOKEN_LOST


def test_the_export_shows_the_tokens_of_the_newest_register(ingest):
    ingest(said(said(FlexisipLog(), 0, 1, contact()), 10, 2, CUT).bytes)
    (row,) = device_rows()
    assert row["tokens"] == {"voip": VOIP}
    assert len(row["token_history"]) == 2


def test_a_token_was_registered_last_when_its_holder_last_carried_it(ingest):
    log = said(said(FlexisipLog(), 0, 1, contact()), 10, 2, contact())
    ingest(said(log, 20, 3, CUT).bytes)
    moments = {row.kind: row.registered_at for row in PushToken.objects.all()}
    assert moments["voip"] == MORNING + timedelta(seconds=20)
    assert moments["remote"] == MORNING + timedelta(seconds=10)


def test_a_refused_register_changes_no_token_and_is_kept_on_the_device(ingest):
    log = said(FlexisipLog(), 0, 1, contact())
    other = contact(voip="c3" * 32)
    log.request(10, register(cseq=2, contacts=(other,)), "0x9").reply(10.1, 400, "0x9")
    ingest(log.bytes)
    device = Device.objects.get()
    assert device.bound
    assert device.refusal["status"] == 400
    assert device.refusal["unheld"] == {"voip": "c3" * 32}
    assert PushToken.objects.count() == 2
    ingest(said(log, 20, 3, contact()).bytes)
    assert Device.objects.get().refusal is None


def test_a_phone_goes_on_registering_over_a_clock_that_was_set_back(ingest):
    log = said(FlexisipLog(), 3600, 1, contact())
    ingest(said(log, 10, 2, contact(voip="c3" * 32)).bytes)
    device = Device.objects.get()
    assert device.cseq == 2
    assert device.last_registered_at == MORNING + timedelta(seconds=10)
    assert DeviceEvent.objects.get().kind == DeviceEvent.Kind.TOKEN_CHANGED


def test_lines_repeated_long_after_add_nothing(ingest):
    log = FlexisipLog()
    for number in range(3):
        said(log, number * 600, number + 1, contact())
    once = log.bytes
    ingest(once)
    before = list(Registration.objects.order_by("id").values_list("cseq", flat=True))
    ingest(once + once)
    after = list(Registration.objects.order_by("id").values_list("cseq", flat=True))
    assert before == after == [1, 2, 3]


def test_a_refresh_holds_at_most_120_bytes(ingest):
    ingest(said(said(FlexisipLog(), 0, 1, contact()), 600, 2, contact()).bytes)
    columns = [field.column for field in Registration._meta.concrete_fields]
    sizes = " + ".join(f"pg_column_size({name})" for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {sizes} FROM registrations_registration WHERE kind = 'refreshed'"
        )
        assert cursor.fetchone()[0] <= 120


def test_a_device_is_settled_while_it_holds_what_its_contact_says(ingest):
    log = said(FlexisipLog(), 0, 1, contact())
    ingest(log.bytes)
    device = Device.objects.get()
    assert device.settled
    assert device.voip == PushToken.objects.get(kind="voip")
    ingest(said(log, 1, 2, CUT).bytes)
    assert not Device.objects.get().settled


def test_a_learned_token_is_missed_by_a_register_that_repeats_the_contact(ingest):
    log = said(FlexisipLog(), 0, 1, contact())
    ingest(log.bytes)
    device = Device.objects.get()
    token = PushToken.objects.get(kind="voip")
    token.pk, token.token = None, "ab" * 32
    token.save()
    Device.objects.learn(device.aor, device.instance_id, token)
    ingest(said(log, 1, 2, contact()).bytes)
    event = DeviceEvent.objects.get()
    assert (event.kind, event.token.token) == (DeviceEvent.Kind.TOKEN_CHANGED, VOIP)


def test_a_reinstall_is_one_though_the_feed_of_the_old_install_is_gone(ingest):
    ingest(said(FlexisipLog(), 0, 1, contact()).bytes)
    old = Device.objects.get()
    Device.objects.update(feed=None)
    anew = contact(instance="urn:uuid:22222222-0000-4000-8000-000000000002")
    ingest(said(FlexisipLog(), 5, 2, anew, call_id="c2").bytes)
    assert Device.objects.exclude(pk=old.pk).count() == 1
    kinds = set(DeviceEvent.objects.values_list("kind", flat=True))
    assert kinds == {DeviceEvent.Kind.REINSTALLED}
