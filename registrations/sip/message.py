"""One SIP message: its start line and the headers we read (RFC 3261 §7). Bytes in, text out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

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
#: A header goes on in the next line if that begins with a blank (RFC 3261 §7.3.1).
FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
CREDENTIALS = re.compile(
    r"(?im)^((?:Proxy-)?Authorization[ \t]*:(?:[ \t]*[a-z]+(?=[ \t]))?)"
    r"[^\n]*(?:\n[ \t]+[^\n]*)*"
)
END_OF_HEADERS = frozenset({b"", b"\r"})


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
    is_folded = b"\n " in raw or b"\n\t" in raw
    lines = iter((FOLD.sub(b" ", raw) if is_folded else raw).split(b"\n"))
    start_line = next(lines).rstrip()
    if not start_line:
        raise MalformedMessage("start_line", "the message is empty")
    first: dict[str, bytes] = {}
    contacts: list[bytes] = []
    for line in lines:
        written, _, value = line.partition(b":")
        name = _name(written)
        if name == "contact":
            contacts.append(value.strip())
        elif name is not None:
            first.setdefault(name, value.strip())
        elif written in END_OF_HEADERS:
            break
    return Message(start_line, first, tuple(contacts))


@lru_cache(1024)
def _name(written: bytes) -> str | None:
    """The header as we know it: any case, compact, blanks before the colon."""
    return NAMES.get(written.strip().lower())


def redacted(raw: bytes) -> str:
    """The message as text without credentials, fit to store and show.

    Values of Authorization headers are cut after the scheme; NULs become `\\x00`.
    """
    text = CREDENTIALS.sub(r"\1 …", decoded(raw))
    return text.replace("\0", "\\x00")
