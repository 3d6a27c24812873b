"""What a batch changed of devices, tokens and holdings → rows, a few statements for all.

Every statement works in one order of keys: two feeds of one fleet must not lock each other out.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from registrations.bulk import apply
from registrations.known import (
    COLUMNS,
    DEVICE,
    HOLDING,
    TOKEN,
    DeviceRow,
    HoldingRow,
    TokenRow,
)

DEVICE_TYPES = {
    **dict.fromkeys(COLUMNS, "text"),
    **dict.fromkeys(("id", "cseq", "feed_id", "voip_id"), "bigint"),
    **dict.fromkeys(("bound", "assumed", "accepted", "settled"), "boolean"),
    **dict.fromkeys(("problems", "refusal"), "jsonb"),
    **{name: "timestamptz" for name in COLUMNS if name.endswith("_at")},
}
#: What a REGISTER changes of a device that is there.
CHANGING = [
    name for name in COLUMNS if name not in ("id", "identity", "aor", "instance_id")
]
#: What one changes that repeats what the device has.
REPEATING = (
    "id",
    "user_agent",
    "expires_at",
    "last_registered_at",
    "first_seen_at",
    "last_seen_at",
    "assumed",
    "call_id",
    "cseq",
    "feed_id",
)
REPEATING_TYPES = {name: DEVICE_TYPES[name] for name in REPEATING}
INSERTED = ", ".join(name for name in COLUMNS if name != "id")
TOKEN_TYPES = {
    **dict.fromkeys(("environment", "bundle_id", "kind", "token"), "text"),
    "first_seen_at": "timestamptz",
    "last_registered_at": "timestamptz",
}
HOLDING_TYPES = {
    **dict.fromkeys(("id", "device_id", "token_id"), "bigint"),
    "current": "boolean",
    **dict.fromkeys(("since", "until", "missing_since"), "timestamptz"),
    **dict.fromkeys(("missing_position", "missing_feed_id"), "bigint"),
}
HELD = ", ".join(name for name in HOLDING_TYPES if name != "id")
CHANGE_HOLDINGS = (
    f"UPDATE {HOLDING} h SET current = v.current, until = v.until,"
    " missing_since = v.missing_since, missing_position = v.missing_position,"
    " missing_feed_id = v.missing_feed_id FROM batch_holding v WHERE h.id = v.id"
)
BEGIN_HOLDINGS = (
    f"INSERT INTO {HOLDING} ({HELD}) SELECT {HELD} FROM batch_holding"
    " ON CONFLICT DO NOTHING"
)
_values = attrgetter(*COLUMNS)
_repeating = attrgetter(*REPEATING)


def save_devices(devices: Iterable[DeviceRow]) -> None:
    """Write what changed; new devices get their id."""
    old: list[DeviceRow] = []
    new: dict[str, DeviceRow] = {}
    for device in devices:
        if device.id is None:
            new[device.identity] = device
        else:
            old.append(device)
    if old:
        _update_devices(old)
    if new:
        _insert_devices(new)


def save_repeats(devices: Iterable[DeviceRow]) -> None:
    """Write what a REGISTER changes that repeats what the device has."""
    rows = list(map(_repeating, devices))
    if rows:
        statement = _update(REPEATING[1:], "batch_repeat")
        apply(statement, "batch_repeat", REPEATING_TYPES, rows)


def _update_devices(devices: list[DeviceRow]) -> None:
    statement = _update(CHANGING, "batch_device")
    apply(statement, "batch_device", DEVICE_TYPES, map(_values, devices))


def _update(names: Iterable[str], table: str) -> str:
    changes = ", ".join(f"{name} = v.{name}" for name in names)
    return f"UPDATE {DEVICE} d SET {changes} FROM {table} v WHERE d.id = v.id"


def _insert_devices(devices: dict[str, DeviceRow]) -> None:
    # Two feeds may meet a new phone at the same moment: the later one's word stands, but
    # which tokens it holds is looked at anew.
    said = (name for name in CHANGING if name != "settled")
    changes = ", ".join(f"{name} = EXCLUDED.{name}" for name in said)
    statement = (
        f"INSERT INTO {DEVICE} ({INSERTED}) SELECT {INSERTED} FROM batch_device"
        " ORDER BY identity ON CONFLICT (identity)"
        f" DO UPDATE SET {changes}, settled = false"
        " RETURNING identity, id"
    )
    rows = map(_values, devices.values())
    for identity, id in apply(statement, "batch_device", DEVICE_TYPES, rows):
        devices[identity].id = id


def save_tokens(tokens: Iterable[TokenRow]) -> None:
    """Write new tokens, which get their id, and those whose last holding ended."""
    by_key = {token.key: token for token in tokens}
    if not by_key:
        return
    rows = (
        (*token.key, token.first_seen_at, token.last_registered_at)
        for token in by_key.values()
    )
    names = ", ".join(TOKEN_TYPES)
    key = "environment, bundle_id, kind, token"
    statement = (
        f"INSERT INTO {TOKEN} AS t ({names}) SELECT {names} FROM batch_token"
        f" ORDER BY {key} ON CONFLICT ({key}) DO UPDATE SET last_registered_at ="
        " GREATEST(t.last_registered_at, EXCLUDED.last_registered_at)"
        f" RETURNING {key}, id"
    )
    for *found, id in apply(statement, "batch_token", TOKEN_TYPES, rows):
        by_key[tuple(found)].id = id


def save_holdings(held: Iterable[tuple[DeviceRow, HoldingRow]], feed_id: int) -> None:
    """Write holdings that begun, ended or began to be missed; devices are saved."""
    old: list[tuple] = []
    new: list[tuple] = []
    for device, holding in held:
        row = _holding_values(device, holding, feed_id)
        (new if holding.id is None else old).append(row)
    if old:
        apply(CHANGE_HOLDINGS, "batch_holding", HOLDING_TYPES, old)
    if new:
        apply(BEGIN_HOLDINGS, "batch_holding", HOLDING_TYPES, new)


def _holding_values(device: DeviceRow, holding: HoldingRow, feed_id: int) -> tuple:
    is_missed = holding.missing_since is not None
    return (
        holding.id,
        device.id,
        holding.token.id,
        holding.is_current,
        holding.since,
        holding.until,
        holding.missing_since,
        holding.missing_position,
        feed_id if is_missed else None,
    )
