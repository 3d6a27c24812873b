"""Devices as rows of a file: what the list shows of each, one query for some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, OuterRef, Value, When

from notifications.device_terms import fitting, is_bound, kinds
from notifications.keyset import BY_ID, pages, words
from notifications.listing import check
from notifications.sql_texts import Address, Held, Iso, Rules
from notifications.terms import read_query
from registrations.models import Device, Holding

COLUMNS = (
    "aor",
    "instance_id",
    "contact",
    "user_agent",
    "bundle_id",
    "environment",
    "voip",
    "remote",
    "last_registered_at",
    "expires_at",
    "last_seen_at",
    "bound",
    "state",
    "strikes",
    "voip_health",
    "remote_health",
    "problems",
)
#: Behind its key, in the order that `_row` takes them.
FIELDS = (
    "aor",
    "instance_id",
    "address",
    "user_agent",
    "bundle_id",
    "environment",
    "held",
    "registered",
    "expiry",
    "seen",
    "is_bound",
    "rules",
)
#: The key of rows that begin with it.
BY_FIRST = replace(BY_ID, write=lambda row: str(row[0]))
#: What a device holds, in the same query.
HELD = ArraySubquery(
    Holding.objects.filter(device=OuterRef("pk"), current=True)
    .order_by()
    .values_list(
        Held(
            "token__kind",
            "token__token",
            "token__health__state",
            "token__ledger__state",
            "token__ledger__strikes",
        )
    )
)
NOTHING = ("", None, None, None, None)


def file_rows(asked, now: datetime, size: int) -> Iterator[list[tuple]]:
    """The devices that an address leaves, `size` at a time, tokens masked. Raises
    WrongQuery.
    """
    wanted = read_query(words(asked.get("q", "")), kinds([]))
    check(wanted.faults)
    found = fitting(Device.objects.all(), wanted, now).annotate(
        address=Address("contact"),
        held=HELD,
        registered=Iso("last_registered_at"),
        expiry=Iso("expires_at"),
        seen=Iso("last_seen_at"),
        is_bound=Case(When(is_bound(now), then=Value("yes")), default=Value("no")),
        rules=Rules("problems"),
    )
    rows = found.values_list("pk", *FIELDS)
    return (list(map(_row, some)) for some in pages(rows, BY_FIRST, size))


def _row(row: tuple) -> tuple:
    _, *said, held, registered, expiry, seen, bound, rules = row
    tokens = {one[0]: one for one in (text.split(" ") for text in held)}
    _, voip, voip_health, state, strikes = tokens.get("voip", NOTHING)
    _, remote, remote_health, *_ = tokens.get("remote", NOTHING)
    risk = (None, None) if state in {None, "-"} else (state, int(strikes))
    moments = (registered, expiry, seen, bound)
    return (*said, voip, remote, *moments, *risk, voip_health, remote_health, rules)
