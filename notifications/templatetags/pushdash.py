"""Template words: instants, seconds, masked text. They decide nothing."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django import template
from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.formats import number_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.agents import Agent, agent_of
from notifications.at_once import COUNTED
from notifications.keyset import pairs, query
from notifications.listing import Asked
from notifications.masking import masked
from notifications.models import AuditEntry
from notifications.stored_words import told
from notifications.terms import written
from notifications.wording import ACTIONS, CHIPS, UNIT_OF_DAY, ago

register = template.Library()
JSON_PIECE = re.compile(
    r'(?P<k>"(?:[^"\\]|\\.)*"(?=: ))|(?P<s>"(?:[^"\\]|\\.)*")'
    r"|(?P<n>-?\b\d[\d.eE+-]*\b|\btrue\b|\bfalse\b|\bnull\b)"
)
#: The escape of a no-break space between thousands, or where French sets one.
PARTED = re.compile(r"(?<=\d)\\u00a0(?=\d{3}(?!\d))|\\u00a0(?=[:;?!»%])|(?<=«)\\u00a0")
FIELD_WORDS = {
    "aor": "AOR",
    "apns_id": "apns-id",
    "call_id": "Call-ID",
    "instance_id": "instance-id",
    "type": _("Type"),
    "user_agent": _("User agent"),
    "token": _("Token"),
    "topic": _("Topic"),
    "environment": _("Environment"),
    "origin": _("Origin"),
    "requested_by": _("Requested by"),
    "resend_of": _("Resend of"),
    "created": _("Created"),
    "state": _("State"),
    "reason": _("Reason"),
    "safety": _("Safety"),
    "left_out": _("Left out"),
    "query": _("Query"),
    "group": _("Group"),
    "page": _("Page"),
    "template": _("Template"),
}


@register.filter
def since(moment: datetime | None) -> str:
    """`5 min`, `3 h`; the moment itself on hover."""
    return _spanned(ago(moment, timezone.now()), moment) if moment else gettext("never")


@register.filter
def dated(moment: datetime, form: str) -> str:
    """A moment by the clock of the reader, with the name of its zone: `14:02 UTC`."""
    zone = timezone.get_current_timezone_name()
    return f"{date_format(timezone.localtime(moment), form)} {zone}"


@register.filter
def in_full(moment: datetime) -> str:
    """`2026-11-29 15:02:31 Europe/Paris, 14:02:31 UTC`: what stands on hover."""
    told = f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S}"
    zone = timezone.get_current_timezone_name()
    return f"{told} {zone}" + ("" if zone == "UTC" else f", {moment:%H:%M:%S} UTC")


@register.filter
def in_utc(written: str) -> str:
    """`2026-11-29 14:02:31 UTC` of ISO 8601."""
    return f"{datetime.fromisoformat(written).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@register.filter
def place(zone: object) -> str:
    """`Paris` of Europe/Paris."""
    return str(zone).rpartition("/")[2].replace("_", " ")


@register.filter
def until(moment: datetime | None) -> str:
    """`59 min` from now; the moment itself on hover."""
    return _spanned(ago(timezone.now(), moment), moment) if moment else ""


def _spanned(words: str, moment: datetime) -> SafeString:
    html = '<time datetime="{}" title="{}">{}</time>'
    return format_html(html, moment.isoformat(), in_full(moment), words)


@register.filter
def lasting(span: timedelta) -> str:
    """`40 s`, `3 min`."""
    now = timezone.now()
    return ago(now - span, now)


@register.filter
def capped(number: int) -> str:
    """A count that stopped at its limit: `10,000+`."""
    shown = number_format(min(number, COUNTED), use_l10n=True, force_grouping=True)
    return f"{shown}+" if number > COUNTED else shown


register.filter("pairs", pairs)


@register.filter
def humanized(name: str) -> str:
    """`User agent` of `user_agent`; the words of the field as the field writes them."""
    known = FIELD_WORDS.get(name)
    return str(known) if known else name.replace("_", " ").capitalize()


register.filter("said", told)
register.filter("masked", masked)


@register.filter
def short_count(number: int) -> str:
    """A count that fits a cell: `950`, `1.2k`, `34k`."""
    if number < 1000:
        return str(number)
    places = 1 if number < 10_000 else 0
    return f"{number_format(Decimal(number // 100) / 10, places)}k"


@register.filter
def shortened(text: str) -> str:
    """An instance-id by its first 8 and last 4 characters."""
    core = text.removeprefix("urn:uuid:")
    return core if len(core) < 20 else f"{core[:8]}…{core[-4:]}"


@register.filter
def health_tone(state: str) -> str:
    """The dot of a token by what APNs says of it."""
    return {"": "ok", "valid": "ok", "retired": "bad"}.get(state or "", "warn")


@register.filter
def action_words(action: str) -> str:
    """An audit entry's verb as a person says it."""
    return ACTIONS.get(action, action)


@register.filter
def subject_words(entry: AuditEntry) -> str:
    """What an audit entry is about: of a bulk and an export in our words, else a name."""
    is_ours = entry.action.startswith(("bulk.", "export."))
    return told(entry.subject) if is_ours else entry.subject


@register.filter
def of_person(asked: Asked, name: str) -> str:
    """The address of the same list with what this person did."""
    return query(**asked.address | {"q": written("who", name)})


@register.filter
def spaced(span: str) -> str:
    """`24 h` of `24h`."""
    if span == "all":
        return gettext("all")
    number, unit = re.fullmatch(r"(\d*)(.*)", span).groups()
    return f"{number} {UNIT_OF_DAY if unit == 'd' else unit}".strip()


@register.filter
def visible(text: str) -> str:
    """Control and bidi characters as escapes: what was read is hostile. The space that
    parts the thousands of a number in French, or stands before a colon, is none of them.
    """
    if (text or "").isprintable():
        return text or ""
    found = "".join(
        char if char.isprintable() or char in "\n\t" else f"\\u{ord(char):04x}"
        for char in text or ""
    )
    return PARTED.sub("\N{NO-BREAK SPACE}", found)


@register.filter
def as_json(value: object) -> SafeString:
    """Indented JSON with its keys, strings and numbers marked for colour."""
    text = visible(json.dumps(value, indent=2, ensure_ascii=False))
    pieces, end = [], 0
    for found in JSON_PIECE.finditer(text):
        kind = found.lastgroup
        pieces += [escape(text[end : found.start()])]
        pieces += [format_html('<span class="{}">{}</span>', kind, found[0])]
        end = found.end()
    # Every piece went through escape() or format_html().
    return mark_safe("".join([*pieces, escape(text[end:])]))


@register.filter
def from_uri(payload: dict) -> str:
    """Who calls, as the payload says it."""
    found = payload.get("from-uri", "")
    return found if isinstance(found, str) else ""


@register.filter
def outcome_tone(outcome: str) -> str:
    """The dot of an attempt."""
    return {"accepted": "ok", "rejected": "bad", "unknown": "warn"}.get(outcome, "mute")


@register.filter
def user_part(aor: str) -> str:
    """`alice` of `sip:alice@example.org`."""
    return aor.partition(":")[2].rpartition("@")[0] or aor


@register.filter
def host_part(aor: str) -> str:
    """`@example.org` of `sip:alice@example.org`."""
    _, at, host = aor.rpartition("@")
    return at + host if at else ""


@register.filter
def agent(user_agent: str) -> Agent:
    """The parts of a User-Agent."""
    return agent_of(visible(user_agent))


@register.filter
def tone(state: str) -> str:
    """The tone of a ledger's state."""
    return CHIPS.get(state, ("ok", ""))[0]


@register.filter
def icon(state: str) -> str:
    """The icon of a ledger's state."""
    return CHIPS.get(state, ("", "circle-check"))[1]


@register.filter
def free_slots(ledger) -> range:
    """The numbers of the strikes not used yet."""
    return range(ledger.strikes + 1, ledger.threshold + 1)
