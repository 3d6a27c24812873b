"""`parse` of a capture against `tshark -T fields -Y 'sip.Method==REGISTER'` on the same file.

The capture is the shared corpora again and again, each time with fresh identities, amid
speech, calls, monitors and TLS. Both must tell of the same REGISTERs with the same Contacts,
but for what tshark does not see. Needs tshark (Debian: apt-get install tshark).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import wiretap
from benchmarks.parse import timed_into

FIELDS = ("frame.time_epoch", "sip.Call-ID", "sip.CSeq.seq", "sip.contact.uri")
#: Between two Contacts of one message.
BETWEEN = "\x1f"
BAR, MOST_MB = 3, 150
EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

#: µs since 1970, Call-ID, CSeq, Contact URIs.
Told = tuple[int, str, int, tuple[str, ...]]


def main(arguments: list[str]) -> int:
    """Prints one JSON line; 1 when slower than the bar, hungrier, or not the same."""
    parser = argparse.ArgumentParser("bin/bench pcap", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=250)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if shutil.which("tshark") is None:
        sys.stderr.write("tshark is missing: apt-get install tshark\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        row = compare(Path(folder), options.megabytes * 1_000_000, options.rounds)
    sys.stdout.write(json.dumps(row) + "\n")
    is_fast = row["times_tshark"] >= BAR and row["peak_mb"] <= MOST_MB
    return int(not is_fast or bool(row["only_tshark"] or row["only_parse"]))


def compare(folder: Path, size_bytes: int, rounds: int) -> dict:
    """Both programs on one capture made in `folder`, in turn."""
    path = folder / "wire.pcap"
    packets = wiretap.write(path, size_bytes)
    tshark = ["tshark", "-n", "-r", str(path), "-T", "fields"]
    tshark += ["-Y", "sip.Method==REGISTER", "-E", f"aggregator={BETWEEN}"]
    tshark += [word for field in FIELDS for word in ("-e", field)]
    parse = [sys.executable, "manage.py", "parse", str(path)]
    theirs, ours = folder / "theirs", folder / "ours"
    runs = [
        (timed_into(theirs, tshark), timed_into(ours, parse)) for _ in range(rounds)
    ]
    # Only now: a child's peak counts what its parent held when it began.
    seen, read = Counter(_of_tshark(theirs)), Counter(_of_parse(ours))
    floor = statistics.median(run.seconds for run, _ in runs)
    seconds = statistics.median(run.seconds for _, run in runs)
    only_tshark, only_parse = seen - read, read - seen
    return {
        "bench": "pcap",
        "megabytes": round(path.stat().st_size / 1e6),
        "packets": packets,
        "registers": read.total(),
        "tshark_seconds": round(floor, 2),
        "parse_seconds": round(seconds, 2),
        "times_tshark": round(floor / seconds, 2),
        "peak_mb": round(max(run.peak_mb for _, run in runs)),
        "tshark_peak_mb": round(max(run.peak_mb for run, _ in runs)),
        "unseen_by_tshark": sum(1 for told in only_parse if _is_unseen(told)),
        "only_tshark": sum(1 for told in only_tshark if not _is_unseen(told)),
        "only_parse": sum(1 for told in only_parse if not _is_unseen(told)),
    }


def _is_unseen(told: Told) -> bool:
    return told[1].startswith(wiretap.UNSEEN)


def _of_tshark(out: Path) -> Iterable[Told]:
    for line in _lines(out):
        at, call_id, cseq, contacts = line.split("\t")
        uris = tuple(one for one in contacts.split(BETWEEN) if one)
        yield _micros(at), call_id, int(cseq), uris


def _micros(seconds: str) -> int:
    whole, _, fraction = seconds.partition(".")
    return int(whole) * 1_000_000 + int(fraction[:6])


def _of_parse(out: Path) -> Iterable[Told]:
    for line in _lines(out):
        row = json.loads(line)
        uris = tuple(contact["uri"] for contact in row["contacts"])
        at = datetime.fromisoformat(row["at"])
        yield (at - EPOCH) // MICROSECOND, row["call_id"], row["cseq"], uris


def _lines(path: Path) -> Iterator[str]:
    """Line by line: a Contact may hold what str.splitlines takes for an end."""
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            yield line.rstrip("\n")
