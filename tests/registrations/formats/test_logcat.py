"""Android's logcat of a linphone app: prefixes before every line, threads between."""

from datetime import UTC, datetime

import pytest

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request
from registrations.formats.stamps import Stamps
from registrations.sip import read_register
from tests.registrations.formats.test_asterisk import ANSWER, MESSAGE

STAMPS = Stamps(UTC, lambda: datetime(2026, 12, 1, tzinfo=UTC))
STYLES = {
    "threadtime": "11-23 05:35:55.079 24815 {thread} I Linphone: ",
    "time": "11-23 05:35:55.079 I/Linphone({thread}): ",
    "Android Studio": "2026-11-23 05:35:55.079 24815-{thread}/org.linphone I/Linphone: ",
    "Android Studio 2022": "2026-11-23 05:35:55.079 24815-{thread} Linphone"
    "                org.linphone                         I  ",
}


def log(style: str, *texts: str, thread: int = 24815) -> str:
    prefix = STYLES[style].format(thread=thread)
    return "".join(f"{prefix}{text}\n" for text in texts)


def sent(style: str, raw: bytes = MESSAGE) -> str:
    where = "channel [0x71]: message sent to [TLS://e.org:5061], size: [793] bytes"
    return log(style, where, *raw.decode().rstrip().split("\r\n"))


def received(style: str, raw: bytes = ANSWER) -> str:
    where = "channel [0x71]: received [516] new bytes from [TLS://e.org:5061]:"
    return log(style, where, *raw.decode().rstrip().split("\r\n"))


def read(text: str):
    reader = open_format(None, STAMPS)
    records = reader.feed(text.encode()) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


@pytest.fixture(params=STYLES)
def style(request) -> str:
    return request.param


def test_a_sent_register_and_its_answer(style):
    noise = log(style, "Found transaction matching response.")
    text = (
        noise + sent(style) + received(style) + log(style, "channel [0x71] [516] bytes")
    )
    request, answer = read(text)
    assert isinstance(request, Request) and isinstance(answer, Answer)
    assert (request.position, request.source) == (len(noise), None)
    assert request.at == datetime(2026, 11, 23, 5, 35, 55, 79000, UTC)
    assert (answer.status, answer.call_id) == (401, "one")
    register = read_register(request.raw)
    assert (register.aor, register.contacts[0].uri) == ("sip:a@e.org", "sip:a@1.2.3.4")
    assert detect(text.encode()) == "logcat"


def test_lines_of_other_threads_may_stand_between(style):
    lines = sent(style).splitlines(keepends=True)
    other = log(style, "Expires: 0", "SIP/2.0 200 OK", thread=7)
    (request,) = read(other.join(lines) + log(style, "Refresher [0x2]: x"))
    assert read_register(request.raw).expires is None


def test_an_older_android_studio_indents_the_rest(style):
    first, *rest = sent(style).splitlines(keepends=True)
    prefix = STYLES[style].format(thread=24815)
    bare = [line.removeprefix(prefix) for line in rest]
    (request,) = read(first + "".join(f"    {line}" for line in bare) + log(style, "x"))
    assert read_register(request.raw).call_id == "one"


def test_a_received_register_is_none_of_this_phones(style):
    assert read(received(style, MESSAGE) + log(style, "x")) == []
