"""Every log of the shared corpora gives the truth."""

from __future__ import annotations

from collections import defaultdict

import pytest

from registrations.answers import Pairing
from registrations.formats import open_format
from registrations.formats.record import Answer, Request, Unreadable
from registrations.sip import SipError, read_register
from registrations.sources.logfile import chunks, opened
from tests.corpora import CORPORA, needs_corpora, rows

pytestmark = needs_corpora
LINPHONE, FLEET = "linphone53-kamailio", "devices2000-kamailio"


def read(path: str) -> list:
    """What was received in a file, with the answers it shows."""
    reader, pairing = open_format(None), Pairing()
    with opened(str(CORPORA / path)) as stream:
        records = [record for data in chunks(stream) for record in reader.feed(data)]
    for record in records + reader.end():
        if isinstance(record, Request):
            pairing.ask(record, read_register(record.raw))
        elif isinstance(record, Answer):
            pairing.answer(record)
    return pairing.in_order(is_last=True)


def agrees(item, truth: dict) -> bool:
    """Everything the truth says of one REGISTER."""
    register = item.register
    assert register.aor == truth["aor"]
    assert item.request.source in (None, f"{truth['proto']}:{truth['src']}")
    assert item.status in (None, truth["status"])
    for contact, true in zip(register.contacts, truth["contacts"], strict=True):
        expires = true.get("effective_expires", true["expires"])
        tokens = {k: v for k, v in true["tokens"].items() if k != "default"}
        assert (contact.uri, contact.instance_id) == (true["uri"], true["instance"])
        assert (contact.expires, contact.tokens) == (expires, tokens)
        for name in ("pn_provider", "pn_param", "pn_prid"):
            assert getattr(contact.push, name) == true[name]
    return True


def matched(path: str, truth: list[dict]) -> list:
    """The file's REGISTERs: each one of the truth, none of it left over."""
    wanted = defaultdict(list)
    for row in truth:
        wanted[row["call_id"], row["cseq"]].append(row)
    items = read(path)
    assert all(agrees(item, wanted[item.ident].pop(0)) for item in items)
    assert sum(map(len, wanted.values())) == 0
    return items


@pytest.mark.parametrize("log", ["kamailio_mb.log", "kamailio_xlog.log"])
def test_kamailios_logs_hold_every_register_once(log):
    matched(f"{LINPHONE}/{log}", rows(f"{LINPHONE}/truth.jsonl"))
    matched(f"{FLEET}/{log}.gz", rows(f"{FLEET}/truth.jsonl.gz"))


def test_sipdump_shows_every_register_and_its_answer():
    path = f"{LINPHONE}/sipdump.data"
    for item in matched(path, rows(f"{LINPHONE}/truth.jsonl")):
        assert item.status is not None and item.request.at is not None


@pytest.mark.parametrize(
    "log", ["kamailio_mb.log", "kamailio_xlog.log", "sipdump.data"]
)
def test_kamailios_logs_of_the_torture_messages_hold_those_it_took(log):
    reader = open_format(None)
    data = (CORPORA / "rfc4475/kamailio_live" / log).read_bytes()
    found, refused = set(), set()
    for record in reader.feed(data) + reader.end():
        if not isinstance(record, Request):
            assert not isinstance(record, Unreadable)
            continue
        try:
            found.add(read_register(record.raw).call_id)
        except SipError as error:
            refused.add(error.rule)
    truth = rows("rfc4475/truth.jsonl")
    assert found == {row["call_id"] for row in truth if row["contacts"] is not None}
    assert refused == {"address_bare_headers"}
