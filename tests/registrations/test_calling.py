"""What phones answer in calls: found by their own branch, never by the Call-ID alone."""

from __future__ import annotations

import pytest

from registrations.branches import Answered
from registrations.calling import Phone, whose
from registrations.formats import open_format
from registrations.formats.record import Branch, Hangup, Response
from registrations.models import Device, Feed, Sighting
from tests.registrations.followed import Followed
from tests.registrations.forks import AOR, HOST, branch, response
from tests.registrations.logs import MORNING, FlexisipLog, contact, register

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = Phone(1, AOR, f"sip:alice@{HOST};pn-prid=aa:voip", "urn:uuid:1")
OTHER = Phone(2, AOR, "sip:alice@203.0.113.10:5060;pn-prid=bb:voip", "urn:uuid:2")


@pytest.mark.parametrize(
    ("sent", "answered", "found"),
    [
        (branch(), response(), ALICE),
        (branch(target="sip:alice@10.0.0.1:1;pn-prid=bb:voip"), response(), OTHER),
        (branch(target="sip:x@proxy"), response(instance_id="urn:uuid:2"), OTHER),
        (branch(target="sip:x@proxy"), response(source=f"tcp:{HOST}"), ALICE),
        (branch(target="sip:x@proxy"), response(), None),
        (branch(to_aor="sip:carol@sip.example.org"), response(), None),
    ],
)
def test_a_branch_belongs_to_the_device_it_was_sent_to(sent, answered, found):
    assert whose(Answered(sent, answered), [ALICE, OTHER]) == found


def test_two_devices_at_one_address_are_told_apart_or_not_at_all():
    twin = Phone(3, AOR, f"sip:alice@{HOST};pn-prid=cc:voip", "urn:uuid:3")
    both = [ALICE, twin]
    assert whose(Answered(branch(), response()), both) is None
    target = f"sip:alice@{HOST};pn-prid=cc:voip"
    assert whose(Answered(branch(target=target), response()), both) == twin


class CallLog(FlexisipLog):
    """A log that shows calls beside registrations."""

    def invite(self, second: float, target: str, call_id: str = "c1", n: int = 1):
        """An INVITE on its way to `target`."""
        return self._message(
            second,
            "RequestSipEvent[0xabc]::send - Sending SIP request",
            [f"INVITE {target} SIP/2.0", *self._headers(call_id, n)],
        )

    def answer(self, second: float, status: int, call_id: str = "c1", n: int = 1):
        """What came back through that branch."""
        return self._message(
            second,
            f"Agent::processResponse - Received SIP response {status}",
            [f"SIP/2.0 {status} Well", *self._headers(call_id, n, tag=";tag=x")],
        )

    def bye(self, second: float, call_id: str = "c1"):
        """The end of the dialog."""
        lines = [f"BYE {AOR} SIP/2.0", *self._headers(call_id, 9, ";tag=x", "BYE")]
        return self._message(
            second, "Agent::processRequest - Received SIP request [0x1]", lines
        )

    def _headers(self, call_id, n, tag="", method="INVITE") -> list[str]:
        return [
            f"Via: SIP/2.0/TLS sip.example.org;branch=z9hG4bK.fork{n}",
            "Via: SIP/2.0/TLS 10.0.0.9;branch=z9hG4bK.caller",
            "From: <sip:bob@sip.example.org>;tag=b",
            f"To: <{AOR}>{tag}",
            f"CSeq: 20 {method}",
            f"Call-ID: {call_id}",
            "Content-Length: 0",
        ]

    def _message(self, second: float, words: str, lines: list[str]):
        self.line(second, words)
        text = "\n".join([*lines, "", ""])
        return self.line(second, f"Agent::send - Message:\n{text}")


def registered(log: CallLog, host: str = HOST, number: int = 1, second: float = 0):
    """A phone of AOR that has registered; its Contact URI."""
    instance = f"urn:uuid:11111111-0000-4000-8000-{number:012}"
    said = contact(voip=f"{number:064x}", instance=instance, host=host)
    message = register(call_id=f"reg{number}", contacts=(said,), aor=AOR)
    log.request(second, message, f"0x{number}").reply(second + 0.01, 200, f"0x{number}")
    return said.partition("<")[2].partition(">")[0]


@pytest.fixture
def followed(tmp_path, follow_here) -> Followed:
    return follow_here(tmp_path / "proxy.log")


def write(tmp_path, log: CallLog) -> None:
    (tmp_path / "proxy.log").write_bytes(log.bytes)


def signs() -> list[tuple]:
    """Kind, status, Call-ID and seconds of the signs of life in calls."""
    rows = Sighting.objects.exclude(kind__in=["register", "challenged"])
    return [
        (row.kind, row.code, row.call_id, (row.moment - MORNING).total_seconds())
        for row in rows.order_by("moment", "kind")
    ]


def test_a_flexisip_log_shows_who_answered_with_its_line(tmp_path, followed):
    log = CallLog()
    target = registered(log)
    log.invite(5, target).answer(5.2, 180).answer(9, 200).bye(60)
    write(tmp_path, log)
    followed.read_on()
    assert signs() == [
        ("answer", 180, "c1", 5.2),
        ("answer", 200, "c1", 9.0),
        ("ended", None, "c1", 60.0),
    ]
    row = Sighting.objects.get(code=180)
    assert row.device == Device.objects.get()
    text = log.bytes[row.position :]
    assert b"SIP/2.0 180" in text[: text.index(b"Call-ID")]
    assert row.line == "SIP/2.0 180 Well (INVITE - c1)"


def test_of_two_phones_of_an_aor_the_one_that_answered_is_seen(tmp_path, followed):
    log = CallLog()
    one = registered(log)
    two = registered(log, "203.0.113.10:5060", 2, 1)
    log.invite(5, one, n=1).invite(5, two, n=2).answer(6, 180, n=2).answer(7, 480, n=1)
    write(tmp_path, log)
    followed.read_on()
    by_device = {
        (row.device.contact, row.code) for row in Sighting.objects.filter(kind="answer")
    }
    assert by_device == {(two, 180), (one, 480)}


def test_whoever_called_is_in_a_dialog_once_it_is_answered(tmp_path, followed):
    log = CallLog()
    mine = registered(log)
    lines = [
        "INVITE sip:carol@sip.example.org SIP/2.0",
        "Via: SIP/2.0/TLS sip.example.org;branch=z9hG4bK.out",
        f"From: <{AOR}>;tag=a",
        "To: <sip:carol@sip.example.org>",
        "CSeq: 1 INVITE",
        "Call-ID: out",
        f"Contact: <{mine}>",
    ]
    log._message(5, "Agent::processRequest - Received SIP request [0x7]", lines)
    lines = ["SIP/2.0 200 OK", *lines[1:-1]]
    log._message(6, "Agent::processResponse - Received SIP response 200", lines)
    write(tmp_path, log)
    followed.read_on()
    assert signs() == [("dialog", 200, "out", 6.0)]


def test_read_again_or_killed_in_between_nothing_is_twice_or_lost(tmp_path, followed):
    log = CallLog()
    target = registered(log)
    log.invite(5, target).line(5.5, "nothing")
    write(tmp_path, log)
    followed.read_on()
    followed.start()
    log.answer(6, 180).answer(8, 486).line(9, "nothing")
    write(tmp_path, log)
    followed.read_on()
    assert [row[1] for row in signs()] == [180, 486]
    Feed.objects.get().files.all().delete()
    followed.start()
    followed.read_on()
    assert [row[1] for row in signs()] == [180, 486]


def test_an_invite_that_was_written_after_its_answer_changes_nothing(
    tmp_path, followed
):
    log = CallLog()
    target = registered(log)
    log.answer(5.2, 180).line(5.3, "nothing")
    write(tmp_path, log)
    followed.read_on()
    assert signs() == []
    followed.start()
    log.invite(5, target).line(9, "nothing")
    write(tmp_path, log)
    followed.read_on()
    assert signs() == [("answer", 180, "c1", 5.2)]
    row = Sighting.objects.get(code=180)
    assert b"SIP/2.0 180" in log.bytes[row.position :][:200]


def test_texts_that_no_database_takes_do_no_harm(tmp_path, followed):
    log = CallLog()
    target = registered(log)
    log.invite(5, target + ";x=\0", call_id="c\0\x1b").answer(6, 180, call_id="c\0\x1b")
    log.line(7, "nothing")
    write(tmp_path, log)
    followed.read_on()
    assert [row[:2] for row in signs()] == [("answer", 180)]


WIRE = (
    b"INVITE sip:alice@203.0.113.9:50412 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP proxy;branch=z9hG4bK.1\r\nf: <sip:b@e.org>;tag=1\r\n"
    b"t: <sip:alice@e.org>\r\nCSeq: 1 INVITE\r\ni: w1\r\n\r\n"
)


def test_plain_messages_tell_of_calls_in_any_pieces():
    answer = WIRE.replace(WIRE.split(b"\r\n")[0], b"SIP/2.0 180 Ringing")
    bye = WIRE.replace(b"INVITE", b"BYE")
    text = WIRE + answer + bye
    for cut in range(0, len(text), 7):
        reader = open_format("plain")
        records = reader.feed(text[:cut]) + reader.feed(text[cut:]) + reader.end()
        kinds = [type(one) for one in records]
        assert kinds == [Branch, Response, Hangup], cut
    assert records[0].target == "sip:alice@203.0.113.9:50412"
    assert records[1].status == 180
