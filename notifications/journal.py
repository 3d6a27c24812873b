"""What one process put on the wire, in a file that outlives `kill -9`.

A line before each push leaves and one with its result: after a death only what had left
and had no answer is `unknown`. The file is locked while its process lives. It is not synced
to disk, so a journal of before a reboot proves nothing: its first line names the boot.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifications.apns import Outcome, Result

logger = logging.getLogger(__name__)

#: What a Result says by itself: only what differs is noted.
DEFAULTS = {field.name: field.default for field in fields(Result)}
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
#: A process that has just made its journal may not have locked it yet.
SWEPT_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ended:
    """One result as the journal kept it; moments in UTC."""

    started_at: datetime
    ended_at: datetime
    result: Result


@dataclass(slots=True)
class Remains:
    """What a dead process left behind, by try (`sending.key_of`)."""

    left: set[str] = field(default_factory=set)
    ended: dict[str, Ended] = field(default_factory=dict)
    #: False after a reboot: what is missing here may have left all the same.
    is_whole: bool = True


class Journal:
    """The journal of this process; `number` is its owner number."""

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / str(number)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._path, flags, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self.clear()

    def note_leaving(self, keys: list[str]) -> None:
        """These tries leave now."""
        lines = "".join(f"i{key}\n" for key in keys).encode()
        if os.write(self._file, lines) != len(lines):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))

    def note_end(self, key: str, ended: Ended) -> None:
        """This try has its result."""
        line = {"try": key, **_plain(ended)}
        os.write(self._file, b"o%s\n" % json.dumps(line).encode())

    def clear(self) -> None:
        """Everything noted is in the database."""
        os.ftruncate(self._file, 0)
        os.write(self._file, b"b%s\n" % _boot_id())

    def close(self) -> None:
        """Let go of it; what it holds stays for whoever reaps."""
        os.close(self._file)


@contextmanager
def taken_over(folder: Path, number: int) -> Iterator[Remains | None]:
    """The remains of a dead process of this machine, removed when the block succeeds.

    None without a journal here: another host's, or lost. Raises BlockingIOError while its
    process lives, or another one reaps it.
    """
    path = folder / str(number)
    if not path.exists():
        yield None
        return
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield _read(file.read())
        path.unlink(missing_ok=True)


def sweep(folder: Path, in_use: set[int], now: datetime) -> None:
    """Remove journals of dead processes that held no row; `in_use` are owners that do."""
    for path in folder.glob("[0-9]*"):
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if int(path.name) not in in_use and now - written_at > SWEPT_AFTER:
            with suppress(BlockingIOError), taken_over(folder, int(path.name)):
                logger.debug("journal removed", extra={"owner": path.name})


def _read(data: bytes) -> Remains:
    remains = Remains()
    # The last piece is empty, or a line its process died in: that push had not left yet.
    first, *lines = data.split(b"\n")
    remains.is_whole = first == b"b" + _boot_id() and bool(lines)
    for line in lines[:-1]:
        if line.startswith(b"i"):
            remains.left.add(line[1:].decode())
        else:
            facts = json.loads(line[1:])
            key = facts.pop("try")
            remains.ended[key] = _ended(facts)
    return remains


def _plain(ended: Ended) -> dict:
    result = ended.result
    said = {
        name: value
        for name, default in DEFAULTS.items()
        if (value := getattr(result, name)) != default
    }
    said["outcome"] = result.outcome.value
    if result.gone_since is not None:
        said["gone_since"] = result.gone_since.isoformat()
    said["started_at"] = ended.started_at.isoformat()
    said["ended_at"] = ended.ended_at.isoformat()
    return said


def _ended(facts: dict) -> Ended:
    started_at = datetime.fromisoformat(facts.pop("started_at"))
    ended_at = datetime.fromisoformat(facts.pop("ended_at"))
    if "gone_since" in facts:
        facts["gone_since"] = datetime.fromisoformat(facts["gone_since"])
    facts["outcome"] = Outcome(facts["outcome"])
    return Ended(started_at, ended_at, Result(**facts))


def _boot_id() -> bytes:
    return BOOT_ID.read_bytes().strip() if BOOT_ID.exists() else b"-"
