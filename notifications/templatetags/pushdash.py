"""Template words: instants, seconds, masked text. They decide nothing."""

from __future__ import annotations

import json
import re
from datetime import datetime

from django import template
from django.utils import timezone

from notifications.wording import CHIPS, ago

register = template.Library()
TOKEN = re.compile(r"[0-9A-Fa-f]{32,}")


@register.filter
def since(moment: datetime | None) -> str:
    """`5 min`, `3 h`."""
    return ago(moment, timezone.now()) if moment else "never"


@register.filter
def masked(text: str) -> str:
    """Every token in a text cut to its first 6 and last 4 characters."""
    return TOKEN.sub(lambda found: f"{found[0][:6]}…{found[0][-4:]}", text or "")


@register.filter
def visible(text: str) -> str:
    """Control and bidi characters as escapes: what was read is hostile."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else f"\\u{ord(char):04x}"
        for char in text or ""
    )


@register.filter
def as_json(value: object) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


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


@register.filter
def meter(strikes: int) -> int:
    """The strikes a three-pip meter can draw."""
    return min(int(strikes or 0), 3)
