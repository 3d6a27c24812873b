"""A log that is written and rotated by a thread, as a SIP server and logrotate do it: rename
with the writer still at the old file, copytruncate, packing by gzip.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

PACKED = ".gz"
#: Bytes are written in pieces of up to so many: a reader meets halves of messages.
LONGEST_WRITE = 3000


class RotatingLog(threading.Thread):
    """Writes the texts, so many a second; rotates after each `share` of them."""

    def __init__(
        self, path: Path, texts: Iterable[str], *, pace: float, share: int, seed: int
    ) -> None:
        super().__init__(daemon=True)
        self._path, self._texts = path, iter(texts)
        self._pace, self._share = pace, share
        self._dice = random.Random(seed)
        self.rotations: Counter[str] = Counter()
        self.written = 0
        self.failure: Exception | None = None
        path.touch()

    def write_first(self) -> None:
        """Before it is started: one text, so that there is a log."""
        self._path.write_text(next(self._texts))
        self.written = 1

    def run(self) -> None:
        try:
            self._run()
        except Exception as error:  # shown by whoever waits for the thread
            self.failure = error
            raise

    def _run(self) -> None:
        started = time.monotonic()
        log = self._path.open("ab", buffering=0)
        for text in self._texts:
            self._write(log, text.encode())
            self.written += 1
            if self.written % self._share == 0:
                log = self._rotate(log)
            if self.written % 50 == 0:
                due = started + self.written / self._pace
                time.sleep(max(0.0, due - time.monotonic()))
        log.close()

    def _write(self, log, data: bytes) -> None:
        cut = self._dice.randrange(LONGEST_WRITE)
        for piece in (data[:cut], data[cut:]):
            if piece:
                log.write(piece)

    def _rotate(self, log):
        kind = self._dice.choice(("rename", "rename", "copytruncate"))
        self.rotations[kind] += 1
        self._shift()
        first = self._path.with_name(f"{self._path.name}.1")
        if kind == "copytruncate":
            shutil.copyfile(self._path, first)
            os.truncate(self._path, 0)
            return log
        self._path.rename(first)
        if self._dice.random() < 0.5:
            self._path.touch()  # logrotate's `create`; the writer does not know yet
        time.sleep(self._dice.random() / 10)
        # What the writer still had for the old file, then it opens the new one.
        log.close()
        return self._path.open("ab", buffering=0)

    def _shift(self) -> None:
        """proxy.log.1 → .2, and so on; .2 is packed then (logrotate's `delaycompress`)."""
        for number in range(self.rotations.total(), 0, -1):
            for ending in ("", PACKED):
                old = self._path.with_name(f"{self._path.name}.{number}{ending}")
                if old.exists():
                    new = f"{self._path.name}.{number + 1}{ending}"
                    old.rename(self._path.with_name(new))
        self._pack(self._path.with_name(f"{self._path.name}.2"))

    def _pack(self, path: Path) -> None:
        if not path.exists():
            return
        self.rotations["gzip"] += 1
        with (
            path.open("rb") as whole,
            gzip.open(f"{path}{PACKED}", "wb", compresslevel=1) as packed,
        ):
            shutil.copyfileobj(whole, packed)
        path.unlink()
