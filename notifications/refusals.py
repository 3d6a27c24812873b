"""Keeps what was refused at the doors for pushes: who asked what, and why it was no push."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from notifications.gateway_forms import Refused, storable
from notifications.models import Refusal, RefusalCount

KEPT, KEPT_HOURS = 1000, timedelta(days=90)
LONGEST = 200
#: Values that are secrets whatever they look like.
SECRETS = frozenset({"api-key", "api_key", "authorization", "secret", "password"})
TOKENS = frozenset({"token", "pn_prid", "pn-prid", "pn_tok"})
#: Hex of a token, and the base64 our own secrets are made of.
LIKE_A_SECRET = re.compile(r"[0-9A-Za-z_\-]{32,}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked: the door, the peer's address, the name of its key where it was right."""

    door: str
    address: str
    name: str = ""


@transaction.atomic
def keep_refusal(
    refused: Refused, caller: Caller, asked: Mapping[str, object], now: datetime
) -> None:
    """Count it and remember it; the same from the same caller is one row. Tokens are masked."""
    facts = {
        "door": caller.door,
        "status": refused.status,
        "why": _masked(storable(refused.why)),
        "address": caller.address,
        "by": caller.name,
        "asked": without_secrets(asked),
    }
    said = json.dumps(facts, sort_keys=True).encode()
    row, is_new = Refusal.objects.get_or_create(
        fingerprint=hashlib.sha256(said).hexdigest(),
        defaults={**facts, "first_at": now, "at": now},
    )
    if is_new:
        kept = Refusal.objects.values("pk")[:KEPT]
        Refusal.objects.exclude(pk__in=kept).delete()
    else:
        Refusal.objects.filter(pk=row.pk).update(number=F("number") + 1, at=now)
    _count(caller.door, refused.status, now)


def _count(door: str, status: int, now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    row, is_new = RefusalCount.objects.get_or_create(
        hour=hour, door=door, status=status
    )
    RefusalCount.objects.filter(pk=row.pk).update(number=F("number") + 1)
    if is_new:
        RefusalCount.objects.filter(hour__lt=hour - KEPT_HOURS).delete()


def without_secrets(asked: Mapping[str, object]) -> dict[str, str]:
    """The values as texts, cut short; secrets left out, whatever looks like one masked."""
    return {
        _masked(storable(name))[:LONGEST]: _value(name.lower(), value)
        for name, value in list(asked.items())[:30]
        if name.lower() not in SECRETS
    }


def _value(name: str, value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    text = storable(text)
    return _cut(text) if name in TOKENS else _masked(text)[:LONGEST]


def _masked(text: str) -> str:
    return LIKE_A_SECRET.sub(lambda found: _cut(found[0]), text)


def _cut(text: str) -> str:
    return f"{text[:6]}…{text[-4:]}" if len(text) > 12 else "…"
