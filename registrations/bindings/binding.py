"""One binding of a registrar, and what keeps an entry from being one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from registrations.sip import SipError, aor_of, read_contact

#: What `NotABinding` shows of an entry.
LONGEST_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """AOR ↔ Contact, as a registrar holds it.

    `contact` is a Contact value without what the registrar added. `updated_at`: when the
    phone registered; None where the registrar does not say: then `taken_at` is the last
    moment at which it held. `expires_at` None: never by time, or not said.
    """

    aor: str
    contact: str
    instance: str | None
    expires_at: datetime | None
    updated_at: datetime | None
    taken_at: datetime
    user_agent: str | None = None
    call_id: str | None = None
    cseq: int | None = None
    path: str | None = None

    def is_expired(self, now: datetime) -> bool:
        """It ended by time."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class NotABinding:
    """An entry that gives no binding: the rule it breaks, and the entry for a person."""

    rule: str
    detail: str
    entry: str


class BindingError(ValueError):
    """An entry breaks `rule`; read on with the next one."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule, self.detail = rule, detail

    def told_of(self, entry: object) -> NotABinding:
        """The same as a value, with the entry it was found in."""
        shown = str(entry)[:LONGEST_SHOWN]
        return NotABinding(rule=self.rule, detail=self.detail, entry=shown)


class UnknownListing(ValueError):
    """A listing of no shape we have; the text lists those we have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a listing itself does not say (see `read_listing`)."""

    taken_at: datetime
    domain: str | None = None
    aor: str | None = None

    def aor_named(self, name: str) -> str:
        """The AOR of `alice@example.org`, or of `alice` in our domain."""
        name = name.strip()
        if not name:
            raise BindingError("aor_missing", "the entry names no AOR")
        if name.lower().startswith(("sip:", "sips:")):
            return aor_of(name)
        if "@" not in name and self.domain is None:
            raise BindingError("aor_without_domain", f"{name!r} has no domain: name it")
        return aor_of(f"sip:{name}" if "@" in name else f"sip:{name}@{self.domain}")


def moment(value: object, name: str) -> datetime | None:
    """Seconds since 1970 as a moment; None for nothing. Raises BindingError."""
    if value in (None, ""):
        return None
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BindingError(name, f"{name} reads {str(value)[:40]!r}") from error


def number(value: object, name: str) -> int | None:
    """A whole number; None for nothing. Raises BindingError."""
    if value in (None, ""):
        return None
    text = str(value).strip()
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
        raise BindingError(name, f"{name} reads {text[:40]!r}")
    return int(text[:40])


def contact_value(uri: str, instance: str | None) -> str:
    """A Contact value of a bare URI. Raises BindingError for what cannot be one."""
    uri = uri.strip().removeprefix("<").removesuffix(">")
    if ":" not in uri or ">" in uri or "<" in uri:
        raise BindingError("contact_uri", f"the Contact reads {uri[:80]!r}")
    return f'<{uri}>;+sip.instance="<{instance}>"' if instance else f"<{uri}>"


def checked(contact: str) -> str:
    """The Contact value again. Raises BindingError where it cannot be read."""
    try:
        read_contact(contact)
    except SipError as error:
        raise BindingError(error.rule, error.detail) from error
    return contact


def bare_instance(value: str | None) -> str | None:
    """`+sip.instance` without quotes, backslashes and brackets; None for nothing."""
    return (value or "").strip(' \t"\\<>') or None
