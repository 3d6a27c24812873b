"""Which tokens a device holds: carried, changed, missing, lost, taken over.

Works on rows in memory. A token that a REGISTER lacks is not lost yet: Linphone sends three
REGISTERs in one second, one of them cut short. It is lost once log time has gone
`LOSS_AFTER` further and no REGISTER of the device has brought it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from registrations.known import DeviceRow, HoldingRow, TokenKey, TokenRow
from registrations.models import DeviceEvent

LOSS_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A turning point of a device, with what was before and after."""

    device: DeviceRow
    kind: str
    moment: datetime | None
    position: int
    token: TokenRow | None = None
    before: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)


class Holdings:
    """Changes holdings in memory and remembers which rows that touched."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.tokens: dict[TokenKey, TokenRow] = {}
        self._touched: dict[int, tuple[DeviceRow, HoldingRow]] = {}
        self._holders: dict[TokenKey, list[DeviceRow]] = defaultdict(list)

    @property
    def touched(self) -> list[tuple[DeviceRow, HoldingRow]]:
        """Holdings to write, in the order they were first touched."""
        return list(self._touched.values())

    def know(self, device: DeviceRow) -> None:
        """A device and what it holds were loaded."""
        for key in device.holdings:
            self._holders[key].append(device)

    # Losses

    def settle(self, device: DeviceRow, until: datetime | None) -> None:
        """Log time has come to `until`: end what has been missing for too long."""
        due = [
            holding
            for holding in device.holdings.values()
            if holding.missing_since is not None
            and until is not None
            and until - holding.missing_since > LOSS_AFTER
        ]
        due.sort(key=lambda holding: holding.missing_since)
        for _, lost in groupby(due, key=lambda holding: holding.missing_since):
            self._lose(device, list(lost))

    def _lose(self, device: DeviceRow, lost: list[HoldingRow]) -> None:
        """These tokens are gone; both of them gone is a logout."""
        moment, position = lost[0].missing_since, lost[0].missing_position
        for holding in lost:
            self._end(device, holding, moment)
        if device.holdings:
            turns = [(DeviceEvent.Kind.TOKEN_LOST, row.token, [row]) for row in lost]
        else:
            turns = [(DeviceEvent.Kind.LOGGED_OUT, None, lost)]
        for kind, token, rows in turns:
            before = {row.token.key[2]: row.token.key[3] for row in rows}
            self.turns.append(
                Turn(
                    device=device,
                    kind=kind,
                    moment=moment,
                    position=position,
                    token=token,
                    before=before,
                    after=dict.fromkeys(before),
                )
            )

    # One REGISTER

    def carry(
        self,
        device: DeviceRow,
        tokens: Iterable[TokenRow],
        moment: datetime | None,
        position: int,
    ) -> None:
        """An accepted REGISTER of the device brought these tokens and no others."""
        carried = {token.key: token for token in tokens}
        kinds = {token.key[2]: token for token in carried.values()}
        missing = []
        for key, holding in list(device.holdings.items()):
            if key in carried:
                self._bring_back(device, holding)
            elif key[2] in kinds:
                self._replace(device, holding, kinds[key[2]], moment, position)
            else:
                missing.append(holding)
        self._miss(device, missing, moment, position)
        for key in sorted(carried):
            if key not in device.holdings:
                self._begin(device, carried[key], moment, position)
        device.settled = not any(
            holding.missing_since for holding in device.holdings.values()
        )

    def _bring_back(self, device: DeviceRow, holding: HoldingRow) -> None:
        if holding.missing_since is not None:
            holding.missing_since = holding.missing_position = None
            self._touch(device, holding)

    def _replace(self, device, holding, token, moment, position) -> None:
        self._end(device, holding, moment)
        kind = token.key[2]
        self.turns.append(
            Turn(
                device=device,
                kind=DeviceEvent.Kind.TOKEN_CHANGED,
                moment=moment,
                position=position,
                token=token,
                before={kind: holding.token.key[3]},
                after={kind: token.key[3]},
            )
        )

    def _miss(self, device, missing: list[HoldingRow], moment, position) -> None:
        fresh = [holding for holding in missing if holding.missing_since is None]
        for holding in fresh:
            self._date(holding.token, device)
            holding.missing_since, holding.missing_position = moment, position
            self._touch(device, holding)
        if fresh and moment is None:
            # A log without times has no 60 s to wait for: the newest line is right.
            self._lose(device, fresh)

    def _begin(self, device, token: TokenRow, moment, position) -> None:
        self._take_over(device, token, moment, position)
        holding = HoldingRow(token, moment)
        device.holdings[token.key] = holding
        self._holders[token.key].append(device)
        self._touch(device, holding)
        self.tokens[token.key] = token

    def _take_over(self, device, token: TokenRow, moment, position) -> None:
        """The same token under a new instance of the same AOR: the app was reinstalled."""
        for old in list(self._holders[token.key]):
            if old.aor != device.aor or old.instance_id == device.instance_id:
                continue
            self._end(old, old.holdings[token.key], moment)
            old.bound = False
            if old.feed_id is None and old.last_seen_at is None:
                continue  # learned from a wish to push (`learn`): its first REGISTER
            self.turns.append(
                Turn(
                    device=device,
                    kind=DeviceEvent.Kind.REINSTALLED,
                    moment=moment,
                    position=position,
                    token=token,
                    before={"instance_id": old.instance_id},
                    after={"instance_id": device.instance_id},
                )
            )

    # Rows

    def _end(self, device: DeviceRow, holding: HoldingRow, moment) -> None:
        if holding.missing_since is None:
            self._date(holding.token, device)
        device.settled = False
        holding.is_current, holding.until = False, moment
        holding.missing_since = holding.missing_position = None
        del device.holdings[holding.token.key]
        self._holders[holding.token.key].remove(device)
        self._touch(device, holding)

    def _date(self, token: TokenRow, device: DeviceRow) -> None:
        """Keep when a REGISTER last carried it: soon the device will not say."""
        moments = (token.last_registered_at, device.last_registered_at)
        token.last_registered_at = max(
            (moment for moment in moments if moment is not None), default=None
        )
        self.tokens[token.key] = token

    def _touch(self, device: DeviceRow, holding: HoldingRow) -> None:
        self._touched[id(holding)] = (device, holding)
