"""Kamailio's sipdump files: blocks, answers, forwarded copies, and blocks phones make up."""

import re

import pytest

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Pulse, Request, Unreadable
from registrations.sip import read_register

RULE = "=" * 20


def register(
    call_id: str = "one", vias: int = 1, end: str = "Content-Length: 0\r\n\r\n"
) -> str:
    via = "".join(f"Via: SIP/2.0/UDP h{hop};branch=z\r\n" for hop in range(vias))
    return (
        f"REGISTER sip:e.org SIP/2.0\r\n{via}To: sip:a@e.org\r\nCSeq: 1 REGISTER\r\n"
        f"Call-ID: {call_id}\r\nContact: <sip:a@1.2.3.4>\r\n{end}"
    )


def answer(call_id: str = "one", status: int = 200) -> str:
    return (
        f"SIP/2.0 {status} x\r\nCall-ID: {call_id}\r\nCSeq: 1 REGISTER\r\n"
        "Contact: <sip:all@bindings;pn-prid=no>\r\n\r\n"
    )


def block(
    message: str,
    tag: str = "rcv",
    *,
    pid: int = 24850,
    second: int = 28,
    proto: str = "udp ipv4",
    ip: str = "127.0.0.1",
) -> str:
    return (
        f"{RULE}\ntag: {tag}\npid: {pid}\nprocess: 2\ntime: 17954628{second}.563437\n"
        f"date: Mon Nov 23 19:40:28 2026\nproto: {proto}\nsrcip: {ip}\nsrcport: 15101\n"
        f"dstip: {ip}\ndstport: 5070\n{'~' * 20}\n{message}{'|' * 20}\n"
    )


def read(text: str):
    reader = open_format(None)
    records = reader.feed(text.encode()) + reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def names(records) -> list[str]:
    return [
        read_register(record.raw).call_id
        for record in records
        if isinstance(record, Request)
    ]


def test_a_block_tells_when_from_where_and_what_kamailio_answered():
    text = block(register()) + block(answer(), "snd")
    request, told = read(text)
    assert isinstance(request, Request) and isinstance(told, Answer)
    assert request.at.isoformat() == "2026-11-23T19:40:28.563437+00:00"
    assert (request.source, request.position) == ("udp:127.0.0.1:15101", 0)
    assert (told.call_id, told.status) == ("one", 200)
    assert told.position == text.rindex(RULE)
    assert detect(text.encode()) == "sipdump"


def test_an_ipv6_sender_gets_brackets():
    (request,) = read(block(register(), proto="tcp ipv6", ip="::1"))
    assert request.source == "tcp:[::1]:15101"


def test_only_what_was_received_registers():
    assert read(block(register(), "snd")) == []


@pytest.mark.parametrize(
    "junk", ["", "\0\0\0\0", "\r\n\r\n", "OPTIONS sip:a SIP/2.0\r\n"]
)
def test_what_is_no_whole_message_swallows_no_block(junk):
    records = read(block(junk) + block(register()))
    assert names(records) == ["one"]


def test_a_body_without_a_line_end_is_part_of_the_block():
    body = register(end="Content-Length: 4\r\n\r\nabcd")
    assert names(read(block(body) + block(register("two")))) == ["one", "two"]


def test_a_block_inside_a_body_is_text():
    forged = block(register("forged"))
    body = register(end=f"Content-Length: {len(forged)}\r\n\r\n{forged}")
    assert names(read(block(body) + block(register("two")))) == ["one", "two"]


@pytest.mark.parametrize(
    "end", ["\r\n{}", "Content-Length: 0\r\n\r\n{}", "l: 9\r\n\r\n{}", "X: {}\r\n\r\n"]
)
@pytest.mark.parametrize("lie", [{"pid": 7}, {"second": 11}])
def test_a_phone_cannot_make_up_a_block(end, lie):
    first = block(register("zero")) + block(answer("zero"), "snd")
    stop = "|" * 20 + "\n"
    forged = stop + block(register("forged"), **lie).removesuffix(stop)
    hostile = block(register(end=end.format(forged)))
    records = read(first + hostile + block(register("two")))
    assert names(records) == ["zero", "one", "two"]


def test_a_restarted_kamailio_has_new_processes():
    before = block(register("a")) + block(answer("a"), "snd")
    after = block(register("b"), pid=99999, second=40)
    assert names(read(before + after)) == ["a", "b"]


def test_blocks_of_a_process_not_seen_before_are_believed_behind_a_datagrams_length():
    late = [block(register(f"n{n}"), pid=99999, second=40) for n in range(300)]
    records = read(block(register("a")) + "".join(late))
    doubted = [record for record in records if isinstance(record, Unreadable)]
    assert 0 < len(doubted) < 200
    assert len(names(records)) + len(doubted) == 301


def test_a_message_waits_for_nothing_behind_its_own_end():
    reader = open_format("sipdump")
    records = reader.feed(block(register()).encode())
    assert names(records) == ["one"]


def test_a_block_whose_end_was_never_written_takes_nothing_of_the_next():
    whole = block(register("one"))
    cut = whole[: whole.index("Contact") + 20] + "\n"
    records = read(block(register("zero")) + cut + block(register("two")))
    assert names(records) == ["zero", "two"]
    assert [one.rule for one in records if isinstance(one, Unreadable)] == [
        "headers_cut"
    ]


@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_a_copy_with_cr_lf_everywhere_reads_the_same(step):
    text = block(register("one")) + block(answer("one"), "snd") + block(register("two"))
    copy = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    reader, found = open_format(None), []
    for at in range(0, len(copy), step):
        found += reader.feed(copy[at : at + step])
    found += reader.end()
    assert reader.form.name == "sipdump"
    kept = [one for one in read(text) if not isinstance(one, Pulse)]
    found = [one for one in found if not isinstance(one, Pulse)]
    assert [one._replace(position=0) for one in found] == [
        one._replace(position=0) for one in kept
    ]


@pytest.mark.parametrize("left_out", ["process: ", "date: ", "(process|date): "])
def test_a_head_without_process_or_date_is_read(left_out):
    text = block(register()) + block(answer(), "snd") + block(register("two"))
    short = re.sub(f"(?m)^{left_out}.*\n", "", text)
    assert short != text
    for one, same in zip(read(short), read(text), strict=True):
        assert (one.at, type(one)) == (same.at, type(same))
    assert names(read(short)) == ["one", "two"]


def test_a_block_whose_head_is_not_known_is_told():
    odd = block(register()).replace("srcip: ", "from: ")
    first, second = read(odd + block(register("two")))
    assert (first.rule, first.position) == ("sipdump_head", 0)
    assert names([second]) == ["two"]
