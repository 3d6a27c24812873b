"""What can be wrong with a SIP message, as exceptions that carry the broken rule."""

from __future__ import annotations


class SipError(Exception):
    """The root of everything `registrations.sip` raises: `rule` names what was broken."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule
        self.detail = detail


class FramingError(SipError):
    """Bytes that never became a whole message."""


class MalformedMessage(SipError):
    """A whole message that breaks the grammar where a REGISTER must be read."""
