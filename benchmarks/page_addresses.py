"""Addresses of every page, with filters, orders and places in a list chosen at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import urlencode

import psycopg

Make = Callable[[random.Random], str]
#: Rows that pages of one thing are opened for.
SAMPLE = 400
SPANS = ("15min", "1h", "24h", "7d", "30d", "all")
DEVICE_TERMS = (
    "state:not_waking", "state:suspected", "state:silent", "strikes:>=2", "strikes:>=5",
    "token:invalid", "token:quarantined", "bound:yes", "bound:no", "seen:<1h", "seen:>24h",
    "seen:>7d", "env:sandbox", "env:production", "app:org.example.app3",
    "app:org.example.app1", "version:6.1", "version:6.1.1", "version:9.9", "ios:17",
    "phone:iPhone14", "problem:any", "problem:token_count", "-state:not_waking",
)  # fmt: skip
PUSH_TERMS = (
    "strikes:>=1", "strikes:>=3", "at:<1h", "at:<24h", "-type:voip", "-reason:BadDeviceToken",
    "state:rejected", "state:held", "outcome:late", "type:background", "version:6.1",
    "version:9.9", "ios:17", "phone:iPhone14", "-version:6.1",
)  # fmt: skip
OUTCOMES = (
    "late", "woken", "asleep", "rejected", "remote", "passed", "flying", "lost", "withdrawn",
)  # fmt: skip
AUDIT_QUERIES = (
    "", "action:push", "action:push.resend", "action:export who:person7", "who:nobody",
    "object:anna17", "anna17", "reason:4711", "-action:push at:>7d",
)  # fmt: skip
REASONS = (
    "BadDeviceToken",
    "Unregistered",
    "ExpiredToken",
    "TooManyRequests",
    "NoSuchReason",
)


def addresses_of(url: str) -> dict[str, Make]:
    """page → a maker of its addresses."""
    with psycopg.connect(url) as session:
        devices = _some(
            session, "SELECT id, aor, instance_id FROM registrations_device"
        )
        tokens = _some(session, "SELECT id, token, kind FROM registrations_pushtoken")
        pushes = _some(session, "SELECT id, call_id, state FROM notifications_push")
        risky = session.execute(
            "SELECT (token_id + 1) / 2 FROM notifications_ledger WHERE strikes > 0 LIMIT 200"
        ).fetchall()
    return {
        "live": lambda dice: "/?" + _query(dice, span=("1h", "6h", "24h")),
        "devices": lambda dice: _devices(dice, devices, tokens),
        "device": lambda dice: (
            f"/devices/{_device(dice, devices, risky)}/?"
            + _query(
                dice, span=("6h", "24h", "7d"), events=("", "pushes", "registrations")
            )
        ),
        "pushes": lambda dice: _pushes(dice, devices, pushes),
        "push": lambda dice: f"/pushes/{dice.choice(pushes)[0]}/",
        "case": lambda dice: f"/pushes/{dice.choice(pushes)[0]}/case",
        "failures": lambda dice: (
            "/failures/?"
            + _query(
                dice,
                span=("24h", "7d", "30d"),
                tab=("reasons", "deliveries"),
                q=("", "type:alert", "-reason:BadDeviceToken", "app:org.example.app3"),
            )
        ),
        "refused": lambda dice: (
            "/failures/?"
            + _query(
                dice,
                tab=("refused",),
                span=("24h", "30d"),
                q=("", "door:api", "status:422 why:type"),
            )
        ),
        "activity": lambda dice: (
            "/failures/?"
            + _query(dice, tab=("activity",), span=("24h", "30d"), q=AUDIT_QUERIES)
        ),
        "fleet": lambda dice: (
            "/fleet/?" + _query(dice, span=("24h", "7d", "30d"), by=("phone", "ios"))
        ),
        "audit": lambda dice: (
            "/audit/?"
            + _query(
                dice,
                span=("24h", "7d", "30d", "all"),
                q=AUDIT_QUERIES,
                rows=("", "25", "200"),
                sort=("", "oldest"),
            )
        ),
        "malformed": lambda dice: (
            "/malformed/?"
            + _query(
                dice,
                q=("", "5.2.4", "nobody", "rule:token_count", "version:5.2 seen:<24h"),
                sort=("", "oldest", "most"),
            )
        ),
        "settings": lambda dice: "/settings/",
        "search": lambda dice: (
            "/search/?" + urlencode({"q": _text(dice, devices, tokens)})
        ),
    }


def _some(session: psycopg.Connection, query: str) -> list[tuple]:
    """Rows from all over the table."""
    table = query.rpartition(" ")[2]
    pages = session.execute(
        "SELECT greatest(relpages, 1) FROM pg_class WHERE relname = %s", [table]
    ).fetchone()[0]
    share = min(100.0, 100.0 * 4 * SAMPLE / max(SAMPLE, pages * 3))
    rows = session.execute(
        f"{query} TABLESAMPLE SYSTEM ({share}) LIMIT 20000"
    ).fetchall()
    return random.Random(3).sample(rows, min(SAMPLE, len(rows)))


def _query(dice: random.Random, **choices: tuple) -> str:
    return urlencode({name: dice.choice(values) for name, values in choices.items()})


def _text(dice: random.Random, devices: list, tokens: list) -> str:
    """What somebody pastes or types into a search box."""
    _, aor, instance = dice.choice(devices)
    token = dice.choice(tokens)[1]
    user = aor.partition(":")[2].partition("@")[0]
    return dice.choice(
        (
            aor,
            user,
            user[:4],
            instance,
            token,
            token[:8],
            token[-6:],
            "nobody-is-called-so",
        )
    )


def _devices(dice: random.Random, devices: list, tokens: list) -> str:
    terms = dice.sample(DEVICE_TERMS, dice.choice((0, 1, 1, 2)))
    if dice.random() < 0.2:
        terms.append(_text(dice, devices, tokens))
    asked = {"q": " ".join(terms)}
    if dice.random() < 0.3:
        asked["sort"] = dice.choice(
            ("oldest", "aor", "aor_down", "seen", "unseen", "strikes")
        )
    if dice.random() < 0.2:
        asked["before"] = str(dice.choice(devices)[0])
    return "/devices/?" + urlencode(asked)


def _pushes(dice: random.Random, devices: list, pushes: list) -> str:
    asked: dict = {"span": dice.choice(SPANS)}
    if dice.random() < 0.5:
        asked["outcome"] = dice.sample(OUTCOMES, dice.choice((1, 2)))
    if dice.random() < 0.2:
        asked["reason"] = dice.choice(REASONS)
    if dice.random() < 0.2:
        asked["app"] = dice.choice(("org.example.app1", "org.example.app3"))
    if dice.random() < 0.2:
        asked["type"] = dice.choice(("voip", "alert", "background"))
    if dice.random() < 0.4:
        aor, call = dice.choice(devices)[1], dice.choice(pushes)[1]
        asked["q"] = dice.choice((*PUSH_TERMS, aor, call or aor, aor[4:8]))
    if dice.random() < 0.2:
        asked["sort"] = "oldest"
    return "/pushes/?" + urlencode(asked, doseq=True)


def _device(dice: random.Random, devices: list, risky: list) -> int:
    return dice.choice(risky if risky and dice.random() < 0.5 else devices)[0]
