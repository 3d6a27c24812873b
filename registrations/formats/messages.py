"""What a whole message is as a record: a REGISTER, an answer to one, a step of a call."""

from __future__ import annotations

import re

from registrations.formats.form import Lead
from registrations.formats.invites import OF_CALLS, call_record
from registrations.formats.record import Answer, Record, Request
from registrations.sip import Message, is_register, made, text_of

STATUS = re.compile(rb"SIP/2\.0 (\d{3})")
REGISTER = b"REGISTER "
CSEQ = re.compile(rb"(\d{1,40})[ \t]+REGISTER\b")


def record_of(lead: Lead, raw: bytes, message: Message) -> Record | None:
    """The REGISTER or the answer to one that a message is, or what it says of a call."""
    if raw.startswith(REGISTER) or is_register(raw):
        if not lead.received:
            return None
        request = (lead.position, lead.at, lead.source, raw, lead.key, message)
        return made(Request, request)
    if not raw.startswith(OF_CALLS):
        return None
    status = STATUS.match(raw)
    answer = answer_of(lead, int(status[1]), message) if status else None
    return answer or call_record(lead.position, lead.at, lead.source, raw, message)


def answer_of(lead: Lead, status: int, message: Message) -> Answer | None:
    """An answer to a REGISTER; None for one to any other request."""
    cseq = CSEQ.match((message.cseq or b"").strip())
    if cseq is None:
        return None
    return Answer(
        position=lead.position,
        at=lead.at,
        status=status,
        call_id=text_of(message.call_id),
        cseq=int(cseq[1]),
    )
