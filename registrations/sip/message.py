"""One SIP message: its start line and the headers we read (RFC 3261 §7). Bytes in, text out."""

from __future__ import annotations

import re
from typing import NamedTuple

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
#: The same as they are usually written.
WRITTEN = NAMES | {name.title(): what for name, what in NAMES.items()}
WRITTEN |= {b"Call-ID": "call-id", b"CSeq": "cseq"}
#: A header goes on in the next line if that begins with a blank (RFC 3261 §7.3.1).
FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
#: One header of `NAMES` as name and value, folds and blanks included, or the empty line behind
#: the last one as nothing. `[^\n]` is ten times as fast as `[^\r\n]`.
HEADER = re.compile(
    rb"\n(?:(" + b"|".join(NAMES) + rb")(?:[ \t]|\r?\n[ \t])*"
    rb":([^\n]*(?:\n[ \t][^\n]*)*)|\r?(?=\n))",
    re.I,
)
CREDENTIALS = re.compile(
    r"(?im)^((?:Proxy-)?Authorization[ \t]*:(?:[ \t]*[a-z]+(?=[ \t]))?)"
    r"[^\n]*(?:\n[ \t]+[^\n]*)*"
)


class Message(NamedTuple):
    """A start line and the headers of `NAMES`, as they were written: see `cleaned`.

    `first`: name → its first value; `contacts`: every value of Contact, in order.
    """

    start_line: bytes
    first: dict[str, bytes]
    contacts: tuple[bytes, ...]

    @property
    def call_id(self) -> str | None:
        """Its Call-ID as text, None where it has none."""
        value = self.first.get("call-id")
        return None if value is None else decoded(cleaned(value))


def decoded(raw: bytes) -> str:
    """SIP text is UTF-8 (RFC 3261 §7); other bytes stay visible as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def cleaned(value: bytes) -> bytes:
    """A header value without folds and the blanks around it."""
    return (FOLD.sub(b" ", value) if b"\n" in value else value).strip()


def read_message(raw: bytes) -> Message:
    """Read start line and headers; the body is not looked at."""
    if raw[:1] in b"\r\n":
        raw = raw.lstrip(b"\r\n")
    first: dict[str, bytes] = {}
    contacts: list[bytes] = []
    for written, value in HEADER.findall(raw):
        name = WRITTEN.get(written) or NAMES.get(written.lower())
        if name is None:
            break
        if name == "contact":
            contacts.append(value)
        elif name not in first:
            first[name] = value
    return Message(raw[: raw.find(b"\n") + 1] or raw, first, tuple(contacts))


def redacted(raw: bytes) -> str:
    """The message as text without credentials, fit to store and show.

    Values of Authorization headers are cut after the scheme; NULs become `\\x00`.
    """
    text = CREDENTIALS.sub(r"\1 …", decoded(raw))
    return text.replace("\0", "\\x00")
