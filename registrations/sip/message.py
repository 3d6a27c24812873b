"""One SIP message: its start line and the headers we read (RFC 3261 §7). Bytes in, text out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import MalformedMessage

#: The headers we read, by every name they may have (compact forms: RFC 3261 §7.3.3).
NAMES = {
    b"contact": "contact",
    b"m": "contact",
    b"call-id": "call-id",
    b"i": "call-id",
    b"to": "to",
    b"t": "to",
    b"cseq": "cseq",
    b"expires": "expires",
    b"user-agent": "user-agent",
    b"authorization": "authorization",
    b"proxy-authorization": "authorization",
}
#: Their usual spelling, to find most of them without another copy in lower case.
NAMES |= {b"Call-ID": "call-id", b"CSeq": "cseq", b"User-Agent": "user-agent"}
NAMES |= {b"Contact": "contact", b"To": "to", b"Expires": "expires"}
#: A header whose name begins like one of them, with the folded lines that go on with it
#: (RFC 3261 §7.3.1; blanks may stand before the colon). The first letters keep out most of
#: the others.
HEADER = re.compile(
    rb"\n((?:[Cc](?:[Aa]|[Ss]|[Oo][Nn][Tt][Aa])|[MmIiTt](?=[ \t]*:)|[Tt][Oo]|[Ee][Xx]"
    rb"|[Uu][Ss]|[Aa][Uu]|[Pp][Rr])[!-9;-~]*)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
)
FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
CREDENTIALS = re.compile(
    r"(?im)^((?:Proxy-)?Authorization[ \t]*:(?:[ \t]*[a-z]+(?=[ \t]))?)"
    r"[^\n]*(?:\n[ \t]+[^\n]*)*"
)
END_OF_HEADERS = re.compile(rb"\n\r?\n")


@dataclass(frozen=True, slots=True)
class Message:
    """A start line and the headers of `NAMES`, still bytes.

    `first`: name → its first value; `contacts`: every value of Contact, in order.
    """

    start_line: bytes
    first: dict[str, bytes]
    contacts: tuple[bytes, ...]


def decoded(raw: bytes) -> str:
    """SIP text is UTF-8 (RFC 3261 §7); other bytes stay visible as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def read_message(raw: bytes) -> Message:
    """Read start line and headers; the body is not looked at.

    Raises MalformedMessage when there is no start line.
    """
    raw = raw.lstrip(b"\r\n")
    start_line = raw[: raw.find(b"\n") + 1 or len(raw)].rstrip()
    if not start_line:
        raise MalformedMessage("start_line", "the message is empty")
    end = END_OF_HEADERS.search(raw)
    first: dict[str, bytes] = {}
    contacts: list[bytes] = []
    for written, value in HEADER.findall(raw, 0, end.start() if end else len(raw)):
        name = NAMES.get(written) or NAMES.get(written.lower())
        if name is None:
            continue
        value = (FOLD.sub(b" ", value) if b"\n" in value else value).strip()
        if name == "contact":
            contacts.append(value)
        else:
            first.setdefault(name, value)
    return Message(start_line, first, tuple(contacts))


def redacted(raw: bytes) -> str:
    """The message as text without credentials, fit to store and show.

    Values of Authorization headers are cut after the scheme; NULs become `\\x00`.
    """
    text = CREDENTIALS.sub(r"\1 …", decoded(raw))
    return text.replace("\0", "\\x00")
