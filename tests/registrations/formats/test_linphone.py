"""What linphone clients log: the REGISTER they send is the registration."""

from datetime import UTC, datetime

import pytest

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps
from tests.registrations.formats.test_asterisk import ANSWER, MESSAGE

STYLES = {
    "linphonec 5.1": "19:23:18:926 belle-sip-message-",
    "linphonec 5.3": "19:23:18:926 belle-sip-message- ",
    "linphone for iOS": "19:23:18:926 [linphone/belle-sip] MESSAGE ",
    "linphone for iOS 3": "19:23:18:926 MESSAGE ",
}


@pytest.fixture(params=STYLES.values(), ids=STYLES)
def line(request):
    return lambda text: f"2026-11-23 {request.param}{text}\n".encode()


def sent(line, raw: bytes = MESSAGE, size: int | None = None) -> bytes:
    size = len(raw) if size is None else size
    where = "channel [0x5557f9b55d00]: message sent to [UDP://127.0.0.1:5070]"
    return line(f"{where}, size: [{size}] bytes") + raw + b"\n"


def received(line, raw: bytes = ANSWER) -> bytes:
    where = f"channel [0x5557f9b55d00]: received [{len(raw)}] new bytes from "
    return line(where + "[UDP://127.0.0.1:5070]:") + raw + b"\n"


def read(data: bytes):
    reader = open_format(None, Stamps(UTC))
    records = reader.feed(data) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def test_a_sent_register_and_its_answer(line):
    noise = line("Found transaction matching response.")
    request, answer = read(noise + sent(line) + received(line) + noise)
    assert isinstance(request, Request) and isinstance(answer, Answer)
    assert (request.raw, request.position) == (MESSAGE, len(noise))
    assert (request.source, answer.status) == (None, 401)
    assert request.at == datetime(2026, 11, 23, 19, 23, 18, 926000, UTC)
    assert detect(noise) == "linphone"


def test_a_received_register_is_none_of_this_phones(line):
    assert read(received(line, MESSAGE)) == []


def test_a_log_with_bare_line_feeds_is_read_as_well(line):
    bare = MESSAGE.replace(b"\r\n", b"\n")
    data = sent(line, bare, len(MESSAGE)) + received(line) + line("x")
    request, answer = read(data)
    assert (request.raw, answer.status) == (bare, 401)


def test_what_the_other_end_says_is_text(line):
    message = MESSAGE.replace(b"REGISTER", b"MESSAGE")
    chat = message.replace(b"\r\n\r\n", b"\r\nl: %d\r\n\r\n" % len(MESSAGE)) + MESSAGE
    hostile = received(line, chat) + line("said:") + MESSAGE
    assert read(hostile + line("x")) == []
