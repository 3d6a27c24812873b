"""The devices, tokens and holdings a batch works on: locked, loaded, changed in memory.

Plain rows and not models: ten thousand of them are made and written each second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date, datetime

from registrations.bulk import select
from registrations.models import Device, Holding, PushToken, Sighting

#: (environment, bundle id, kind, token in lower case): what makes a push token.
TokenKey = tuple[str, str, str, str]

DEVICE = Device._meta.db_table
HOLDING = Holding._meta.db_table
TOKEN = PushToken._meta.db_table
SIGHTING = Sighting._meta.db_table


@dataclass(slots=True, eq=False)
class TokenRow:
    """One `PushToken`; `id` is None until it is saved."""

    key: TokenKey
    id: int | None = None
    first_seen_at: datetime | None = None
    #: Written when a holding of it ends; see `PushToken.registered_at`.
    last_registered_at: datetime | None = None


@dataclass(slots=True, eq=False)
class HoldingRow:
    """One current `Holding`; `missing_*` say since when REGISTERs lack its token."""

    token: TokenRow
    since: datetime | None
    id: int | None = None
    until: datetime | None = None
    is_current: bool = True
    missing_since: datetime | None = None
    missing_position: int | None = None


@dataclass(slots=True, eq=False)
class DeviceRow:
    """One `Device` and the tokens it holds now."""

    identity: str
    aor: str
    instance_id: str | None
    id: int | None = None
    contact: str = ""
    user_agent: str = ""
    pn_provider: str = ""
    pn_param: str = ""
    team_id: str = ""
    bundle_id: str = ""
    environment: str = ""
    bound: bool = False
    expires_at: datetime | None = None
    last_registered_at: datetime | None = None
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    assumed: bool = False
    accepted: bool = False
    call_id: str = ""
    cseq: int | None = None
    problems: list = field(default_factory=list)
    refusal: dict | None = None
    settled: bool = False
    voip_id: int | None = None
    feed_id: int | None = None
    #: Empty until `load_holdings`.
    holdings: dict[TokenKey, HoldingRow] = field(default_factory=dict)
    #: Its newest sign of life before this batch: what is not later may be a repeated line.
    seen_before: datetime | None = None


def voip_of(device: DeviceRow) -> int | None:
    """The id of the voip token it holds; its tokens are saved."""
    held = device.holdings.items()
    return next((row.token.id for key, row in held if key[2] == "voip"), None)


COLUMNS = [column.name for column in fields(DeviceRow)][:-2]
#: Nearly all devices have no problems: NULL is read faster than the JSON of none.
NAMES = ", ".join(COLUMNS).replace("problems", "NULLIF(problems, '[]')")
FOR_AORS = (
    # One text and no list: that would be written value by value. No AOR has an end of line.
    f"SELECT {NAMES} FROM {DEVICE} WHERE aor = ANY(string_to_array(%s, chr(10)))"
    # In one order for all: two feeds of one fleet must not lock each other out.
    " ORDER BY identity FOR NO KEY UPDATE"
)
FOR_IDS = (
    f"SELECT {NAMES} FROM {DEVICE} WHERE id = ANY(%s)"
    " ORDER BY identity FOR NO KEY UPDATE SKIP LOCKED"
)
HELD = (
    "SELECT h.device_id, h.id, h.since, h.missing_since, h.missing_position,"
    " t.id, t.environment, t.bundle_id, t.kind, t.token,"
    " t.first_seen_at, t.last_registered_at"
    f" FROM {HOLDING} h JOIN {TOKEN} t ON t.id = h.token_id"
    " WHERE h.current AND h.device_id = ANY(%s) ORDER BY h.id"
)


def devices_of(aors: Iterable[str]) -> dict[str, DeviceRow]:
    """identity → device, of these AORs; locked until the transaction ends."""
    return _devices(select(FOR_AORS, ["\n".join(aors)]))


def devices_by_id(ids: list[int]) -> dict[str, DeviceRow]:
    """identity → device, of those that no other process has in hand; locked."""
    return _devices(select(FOR_IDS, [ids]))


def _devices(rows: list[tuple]) -> dict[str, DeviceRow]:
    found: dict[str, DeviceRow] = {}
    for row in rows:
        device = DeviceRow(*row)
        device.problems = device.problems or []
        device.seen_before = device.last_seen_at
        found[device.identity] = device
    return found


def load_holdings(devices: Iterable[DeviceRow]) -> None:
    """Give each of these devices the holdings it has now."""
    by_id = {device.id: device for device in devices}
    tokens: dict[int, TokenRow] = {}
    for row in select(HELD, [list(by_id)]) if by_id else []:
        device_id, id, since, missing_since, missing_position, token_id, *rest = row
        *key, first_seen_at, last_registered_at = rest
        token = tokens.get(token_id)
        if token is None:
            token = tokens[token_id] = TokenRow(
                tuple(key), token_id, first_seen_at, last_registered_at
            )
        by_id[device_id].holdings[token.key] = HoldingRow(
            token,
            since,
            id,
            missing_since=missing_since,
            missing_position=missing_position,
        )


def tokens_like(keys: Iterable[TokenKey]) -> dict[TokenKey, TokenRow]:
    """key → token, of those that are stored."""
    texts = sorted({key[3] for key in keys})
    if not texts:
        return {}
    rows = select(
        "SELECT id, environment, bundle_id, kind, token, first_seen_at,"
        f" last_registered_at FROM {TOKEN} WHERE token = ANY(%s)",
        [texts],
    )
    found = (TokenRow(tuple(row[1:5]), row[0], row[5], row[6]) for row in rows)
    return {token.key: token for token in found}


def twins_of(feed_id: int, late: list[tuple[int, date, datetime]]) -> set[tuple]:
    """(device, moment, kind, Call-ID) the feed showed at these (device, day, moment)."""
    device_ids, days, moments = zip(*late, strict=True)
    rows = select(
        f"SELECT device_id, moment, kind, call_id FROM {SIGHTING}"
        " WHERE feed_id = %s AND device_id = ANY(%s) AND day = ANY(%s)"
        " AND moment = ANY(%s)",
        [feed_id, list(set(device_ids)), list(set(days)), list(set(moments))],
    )
    return set(rows)
