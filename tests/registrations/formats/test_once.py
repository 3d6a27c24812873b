"""A REGISTER printed in one line and whole counts once, in any order, in any mix."""

from registrations.formats import open_format
from registrations.formats.record import Request, Unreadable
from registrations.sip import read_register
from tests.registrations.formats.test_kamailio import MESSAGE, line
from tests.registrations.formats.test_xlog import told


def brief(name: str) -> bytes:
    return line(told(call_id=name, cseq="1"))


def whole(name: str) -> bytes:
    raw = MESSAGE.replace(b"Call-ID: one", b"Call-ID: " + name.encode())
    size = f"RECEIVED REGISTER from udp:127.0.0.1:15101 (size {len(raw)})"
    return line(size) + raw


def read(data: bytes) -> list[tuple[str, bool]]:
    """Call-ID and whether it is the whole message, in the order handed out."""
    reader = open_format("kamailio")
    records = reader.feed(data) + reader.end()
    assert all(isinstance(record, Request) for record in records)
    return [(read_register(r.raw).call_id, b"sip:e.org" in r.raw) for r in records]


def test_lines_alone_count():
    assert read(brief("a") + brief("b") + brief("a")) == [
        ("a", False),
        ("b", False),
        ("a", False),
    ]


def test_of_a_line_and_its_message_the_message_counts():
    data = (brief("a") + whole("a") + brief("b") + line("x") + whole("b")) * 2
    first, *others = read(data)
    assert first == ("a", False)
    assert others == [("b", True), ("a", True), ("b", True)]


def test_the_message_may_come_first():
    data = whole("a") + brief("a") + whole("b") + brief("b") + whole("b") + brief("b")
    assert read(data) == [("a", True), ("b", True), ("b", True)]


def test_mixed_processes_give_each_register_once():
    data = brief("a") + brief("b") + whole("a") + whole("b") + brief("c") + whole("c")
    assert [name for name, _ in read(data)] == ["a", "b", "c"]


def test_a_log_whose_configuration_changes_midway_loses_nothing():
    data = whole("a") + brief("a") + brief("b") + brief("c") + whole("d") + brief("e")
    assert [name for name, _ in read(data)] == ["a", "b", "c", "d", "e"]


def test_the_next_request_of_a_dialog_is_another_one():
    second = line(told(call_id="a", cseq="2"))
    assert len(read(whole("a") + brief("a") + second)) == 2


def test_a_line_that_cannot_be_read_does_not_hide_its_message():
    hostile = line(told(call_id="a", cseq="1", ua='" contact='))
    reader = open_format("kamailio")
    records = reader.feed(hostile + whole("a") + brief("b") + whole("b"))
    assert [type(record) for record in records] == [Unreadable, Request, Request]


def test_a_line_is_told_at_once_while_lines_come_alone():
    reader = open_format("kamailio")
    assert len(reader.feed(brief("a"))) == 1
    assert reader.feed(whole("a")) == []
    assert reader.feed(brief("b")) == []
    assert reader.resume_position == len(brief("a") + whole("a"))
    assert len(reader.feed(whole("b"))) == 1
