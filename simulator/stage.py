"""The fleet on disk: survives `kill -9` with the same phones, and with no log line doubled.

`fleet.json` is replaced in one step and holds the bytes to be appended to the log next and
where (a redo log); a start finishes what the last one began. Pushes are noted in
`inbox.jsonl` before APNs answers 200, and `fleet.json` says how far it is worked in.
"""

from __future__ import annotations

import json
import os
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path

from simulator import callers, past
from simulator.beacons import Speaker, Spoken
from simulator.clock import ms
from simulator.directory import Delivery, Entry
from simulator.fleet import Fleet
from simulator.phone import IosRule, Phone


class Stage:
    """A `Directory` for the APNs server. `tick(now)` lets time pass and writes the log."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder, self.log = folder, log
        self.speaker = Speaker(folder)
        self._state = folder / "fleet.json"
        self._inbox = folder / "inbox.jsonl"
        self._roster = folder / "roster.json"
        self._text = bytearray()
        self._read = 0
        self._callees: list[callers.Callee] = []
        self.fleet = Fleet([], self._text.extend)

    @property
    def is_set(self) -> bool:
        """True when an earlier run left its fleet here."""
        return self._state.exists()

    def set_up(
        self, *, seed: int, hours: float, phones: int, now: datetime, rule: IosRule
    ) -> None:
        """Generate the past: the pushes' journal, then the log, then the roster."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "pushes.part"
        self._inbox.write_bytes(b"")
        with part.open("w") as journal:
            self.fleet = past.generate(
                seed=seed,
                hours=hours,
                phones=phones,
                now=now,
                write=self._text.extend,
                journal=journal,
                rule=rule,
            )
        part.replace(self.folder / "pushes.jsonl")
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._keep_log(self.log.with_suffix(".part"))
        self._spoken()  # nobody posts what an app said hours ago
        self._save(b"")
        self._keep_roster()

    def take_up(self) -> None:
        """Go on where the last run stopped, however it stopped."""
        kept = json.loads(self._state.read_text())
        self._finish(b64decode(kept["text"]), kept["log_bytes"])
        phones = [Phone(**row) for row in kept["fleet"]["phones"]]
        self.fleet = Fleet(
            phones,
            self._text.extend,
            seed=kept["fleet"]["seed"],
            rule=IosRule(**kept["fleet"]["rule"]),
            stored=kept["fleet"],
        )
        self._keep_roster()
        self._keep_roster()
        self._work_in(kept["inbox_bytes"])

    def tick(self, now: datetime) -> None:
        """Advance to `now`; what the log must show is on disk when this returns."""
        self.fleet.advance(now)
        self.speaker.say(self._spoken())
        if self._text:
            text = bytes(self._text)
            self._text.clear()
            self._save(text)
            with self.log.open("ab") as log:
                log.write(text)
            self._keep_roster()

    def find(self, token: str) -> Entry | None:
        """What APNs knows of a token; nothing when its phone claims the wrong environment."""
        known = self.fleet.lookup(token)
        if known is None:
            return None
        provider = self.fleet.phones[known.phone].provider
        if known.environment != past.environment_of(provider):
            return None
        gone = known.retired_at
        return Entry(
            environment=known.environment,
            bundle_id=known.bundle_id,
            kind=known.kind,
            status="unregistered" if gone else "valid",
            since_ms=ms(gone) if gone else 0,
        )

    def deliver(self, delivery: Delivery) -> None:
        """Note the push on disk, then carry it."""
        row = {
            "token": delivery.token,
            "push_type": delivery.push_type,
            "expiration": delivery.expiration,
            "received_at": delivery.received_at,
            "apns_id": delivery.apns_id,
            "call_id": _call_id_of(delivery.payload),
        }
        line = (json.dumps(row) + "\n").encode()
        with self._inbox.open("ab") as inbox:
            inbox.write(line)
        self._read += len(line)
        self._carry(row)

    def _carry(self, row: dict) -> None:
        until = row["expiration"]
        self.fleet.push(
            row["token"],
            row["push_type"],
            datetime.fromtimestamp(row["received_at"], UTC),
            datetime.fromtimestamp(until, UTC) if until else None,
            row.get("call_id", ""),
        )

    def _spoken(self) -> list[Spoken]:
        spoken = list(self.fleet.spoken)
        self.fleet.spoken.clear()
        return spoken

    def _work_in(self, start: int) -> None:
        """Pushes that APNs took after the fleet was last saved."""
        data = self._inbox.read_bytes()
        self._read = data.rfind(b"\n") + 1
        if self._read != len(data):  # a line cut off by the kill: it was never answered
            os.truncate(self._inbox, self._read)
        for line in data[start : self._read].splitlines():
            self._carry(json.loads(line))

    def _save(self, text: bytes) -> None:
        kept = {
            "fleet": self.fleet.stored(),
            "inbox_bytes": self._read,
            "log_bytes": self.log.stat().st_size if self.log.exists() else 0,
            "text": b64encode(text).decode(),
        }
        part = self._state.with_suffix(".part")
        part.write_text(json.dumps(kept))
        part.replace(self._state)

    def _finish(self, text: bytes, log_bytes: int) -> None:
        """Append what is missing of the text the last run was about to append."""
        size = self.log.stat().st_size if self.log.exists() else 0
        if size >= log_bytes:  # smaller: somebody rotated the log meanwhile
            with self.log.open("ab") as log:
                log.write(text[size - log_bytes :])

    def _keep_log(self, part: Path) -> None:
        part.write_bytes(self._text)
        part.replace(self.log)
        self._text.clear()

    def _keep_roster(self) -> None:
        callees = callers.roster_of(self.fleet.phones.values())
        if callees != self._callees:
            callers.save_roster(self._roster, self.fleet.seed, callees)
            self._callees = callees


def _call_id_of(payload: dict) -> str:
    """What liblinphone takes as the call's Call-ID (SIP.md §4)."""
    aps = payload.get("aps")
    call_id = aps.get("call-id") if isinstance(aps, dict) else None
    return call_id if isinstance(call_id, str) else ""
