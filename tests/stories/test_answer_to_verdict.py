"""What phones answer in calls, from the log's line to the verdict."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications import handling
from notifications.models import Call
from registrations.models import Device
from tests.factories import accepted_push, app
from tests.registrations.conftest import follow_here  # noqa: F401
from tests.registrations.logs import MORNING
from tests.registrations.test_calling import CallLog, registered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def judged(tmp_path, follow_here):  # noqa: F811
    """Reads a log of two phones of one AOR, the first of them pushed at second 300; the
    first one's call.
    """
    app("org.example.phone")

    def read(write) -> Call:
        log = CallLog()
        one = registered(log)
        two = registered(log, "203.0.113.10:5060", 2, 1)
        write(log, one, two)
        log.line(500, "nothing")
        (tmp_path / "proxy.log").write_bytes(log.bytes)
        followed = follow_here(tmp_path / "proxy.log")
        followed.read_on()
        pushed_at = MORNING + timedelta(seconds=300)
        accepted_push(Device.objects.get(contact=one), pushed_at, call_id="c1")
        handling.settle(followed.now)
        return Call.objects.get(call_id="c1")

    return read


def test_an_open_app_that_only_rings_has_handled_its_push(judged):
    call = judged(lambda log, one, _: log.invite(300, one).answer(300.4, 180))
    assert (call.verdict, call.rule) == ("handled", "answer")
    assert call.evidence["line"] == "SIP/2.0 180 Well (INVITE - c1)"
    assert call.evidence["file"].endswith("proxy.log")


def test_the_answer_of_another_phone_of_the_aor_proves_nothing(judged):
    call = judged(
        lambda log, one, two: (
            log.invite(300, one, n=1).invite(300, two, n=2).answer(301, 200, n=2)
        )
    )
    assert (call.verdict, call.rule) == ("unhandled", "no_proof")


@pytest.mark.parametrize("status", [408, 480, 487, 503])
def test_what_a_proxy_says_for_a_phone_that_is_silent_proves_nothing(judged, status):
    call = judged(lambda log, one, _: log.invite(300, one).answer(301, status))
    assert call.verdict == "unhandled"


def test_a_phone_in_a_call_is_exempt_until_that_has_ended(judged):
    def talk(log, one, _):
        log.invite(200, one, "before").answer(202, 200, "before")

    call = judged(talk)
    assert (call.verdict, call.rule) == ("exempt", "on_call")


def test_a_call_that_has_ended_exempts_no_more(judged):
    def talk(log, one, _):
        log.invite(200, one, "before").answer(202, 200, "before").bye(250, "before")

    assert judged(talk).verdict == "unhandled"
