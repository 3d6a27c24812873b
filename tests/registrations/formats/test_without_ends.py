"""Logs that lost their empty lines in the journal: where one message ends, the next begins."""

from __future__ import annotations

import pytest

from registrations.formats.record import Request, Unreadable
from tests.registrations.formats.carriers import CARRIERS, carried
from tests.registrations.formats.reading import records_of, requests_of

ALICE, BOB = "udp:192.0.2.1:5060", "udp:192.0.2.2:5060"
STEPS = [0, 1, 7, 64, 100]


def register(user: str, *more: str, body: str = "") -> bytes:
    lines = [
        "REGISTER sip:e.org SIP/2.0",
        f"To: <sip:{user}@e.org>",
        "CSeq: 1 REGISTER",
        f"Call-ID: {user}",
        f"Contact: <sip:{user}@192.0.2.1>",
        *more,
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def logged(announce, *messages: tuple[str, bytes], end: bytes = b"\n") -> bytes:
    """Each message behind its line, as the journal keeps it: no line is empty."""
    log = b"".join(
        announce(way, len(raw)) + raw.replace(b"\r\n", end) + b"\n"
        for way, raw in messages
    )
    lines = log.splitlines(keepends=True)
    return b"".join(line for line in lines if line.strip())


def kamailio(prefix: str):
    def announce(way: str, size: int) -> bytes:
        peer = f"from {ALICE}" if way == "RECEIVED" else f"to {BOB}"
        return f"{prefix}{way} REGISTER {peer} (size {size})\n".encode()

    return announce


def asterisk(prefix: str):
    def announce(way: str, size: int) -> bytes:
        way, peer = {
            "RECEIVED": ("Received", "from UDP:192.0.2.1:5060"),
            "SENT": ("Transmitting", "to UDP:192.0.2.2:5060"),
        }[way]
        text = f"{prefix}<--- {way} SIP request ({size} bytes) {peer} --->\n"
        return text.encode()

    return announce


#: What was received and sent in turn.
TURNS = [
    ("RECEIVED", register("alice", "Expires: 60")),
    ("SENT", register("trunk", "X: 1")),
    ("RECEIVED", register("bob")),
    ("SENT", register("trunk2")),
    ("RECEIVED", register("carol", "Supported: path, outbound")),
]
SAID = [("alice", ALICE), ("bob", ALICE), ("carol", ALICE)]
STDERR = kamailio(" 2(24850) INFO: <script>: ")
CONSOLE = asterisk("")
FULL = asterisk("[2026-11-23 19:36:17.017] VERBOSE[22075] res_pjsip_logger.c: ")


def said(log: bytes, name: str | None = None, step: int = 0) -> list:
    """Whose REGISTERs are read, and where from; the rule of what is refused."""
    return [
        one.rule if isinstance(one, Unreadable) else _who(one)
        for one in records_of(log, name, step)
        if isinstance(one, Request | Unreadable)
    ]


def _who(one: Request) -> tuple[str, str | None]:
    assert one.raw.count(b"REGISTER sip:") == 1 and len(one.message.contacts) == 1
    return one.message.call_id.strip().decode(), one.source


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("announce", [STDERR, CONSOLE, FULL])
def test_the_line_behind_a_message_with_a_size_is_read(announce, carrier, end):
    log = carried(logged(announce, *TURNS, end=end), carrier)
    assert said(log) == SAID
    assert said(log, step=100) == SAID


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", [None, "cat"])
@pytest.mark.parametrize("announce", [STDERR, CONSOLE, FULL])
def test_the_text_alone_of_what_a_program_prints_is_read(announce, name, step):
    for end in (b"\n", b"\r\n"):
        assert said(logged(announce, *TURNS, end=end), name, step) == SAID


def test_a_message_that_lacks_more_than_its_empty_line_was_cut():
    log = logged(STDERR, *TURNS).replace(b"Supported: path, outbound\n", b"")
    assert said(log) == [*SAID[:2], "headers_cut"]


@pytest.mark.parametrize("step", STEPS)
def test_the_prefix_of_kamailios_log_is_known_in_the_text_alone(step):
    announce = kamailio("INFO: {1 20 REGISTER a@b} <script>: ")
    log = logged(announce, *TURNS)
    assert said(log, step=step) == SAID
    assert said(carried(log, "iso"), step=step) == SAID


@pytest.mark.parametrize("step", STEPS)
def test_a_message_never_goes_on_over_the_start_line_of_the_next(step):
    first = b"INFO: <core> [main.c:3]: main(): x\n"
    log = first + logged(kamailio("my words "), *TURNS)
    who = [(call_id, None) for call_id, _ in SAID]
    assert said(log, step=step) == who
    assert said(carried(log, "syslog"), step=step) == who


@pytest.mark.parametrize("carrier", ["cri", "rfc5424", "export"])
def test_an_empty_line_before_a_message_is_no_message(carrier):
    log = logged(STDERR, *TURNS).replace(b"\nREGISTER", b"\n\nREGISTER")
    who = said(carried(log, carrier))
    assert who == SAID
    assert [said(carried(log, carrier), step=step) for step in STEPS] == [who] * 5


@pytest.mark.parametrize("step", STEPS)
def test_a_size_smaller_than_the_start_line_ends_no_message_before_it(step):
    log = logged(STDERR, *TURNS)
    for size in (b"size 9)", b"size 29)", b"size 30)"):
        short = carried(log.replace(b"size 132)", size), "syslog")
        assert records_of(short, step=step) == records_of(short)


@pytest.mark.parametrize("step", STEPS)
def test_a_phone_cannot_forge_a_message_in_a_body(step):
    inner = register("victim").replace(b"\r\n\r\n", b"\r\n").decode()
    forger = register("mallory", body=f"Hello:\r\n{inner}")
    log = logged(
        kamailio("INFO: <script>: "), ("RECEIVED", forger), ("RECEIVED", TURNS[0][1])
    )
    assert said(log, step=step) == [("mallory", ALICE), ("alice", ALICE)]
    assert said(carried(log, "syslog"), step=step) == said(log)


@pytest.mark.parametrize(
    ("line", "users"),
    [
        ("10:00:00 TRACE sending 700 bytes to 192.0.2.1:5060", ["one"]),
        ("10:00:00 REQUEST OUT udp:192.0.2.1:5060", ["one"]),
        ("10:00:00 Transmitting to 192.0.2.1:5060:", ["one"]),
        ("10:00:00 TX 505 bytes Request msg to UDP 192.0.2.1:5060:", ["one"]),
        ("10:00:00 RX 505 bytes Request msg from UDP 192.0.2.1:5060:", ["one", "two"]),
        ("<-- 192.0.2.1:5060", ["one"]),
        ("<-- received of 192.0.2.1:5060", ["one", "two"]),
        ("10:00:00 received and forwarded", ["one", "two"]),
        ("10:00:00 message sent to [UDP://192.0.2.1:5060], size: 1", ["one", "two"]),
    ],
)
def test_words_of_an_unknown_log_may_say_that_a_message_was_sent(line, users):
    log = register("one") + line.encode() + b"\n" + register("two")
    assert [one.message.call_id.strip().decode() for one in requests_of(log)] == users


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("between", [b"", b"\r\n\n"])
@pytest.mark.parametrize("words", ["sending", "sent", "TX 505 bytes", "<--"])
def test_they_say_so_above_the_first_message_too(words, between, step):
    log = f"begin\n10:00:00 {words} to 192.0.2.1:5060\n".encode() + between
    log += register("one") + b"10:00:01 received\n" + register("two")
    found = [one for one in records_of(log, step=step) if isinstance(one, Request)]
    assert [one.message.call_id.strip() for one in found] == [b"two"]
    assert found[0].position > len(log) // 2
