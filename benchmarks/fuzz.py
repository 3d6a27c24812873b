"""Coverage-guided fuzzing (atheris) of everything that reads bytes: --seconds 600 by default.

Any bytes, in any pieces, in any format: nothing raises but SipError, pieces give what the
whole gives, and what is kept stays bounded. Starts from the samples of tests/.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["registrations"]):
    from registrations.answers import Pairing
    from registrations.formats import NAMES, open_format
    from registrations.formats.record import Answer, Pulse, Record, Request
    from registrations.rows import Rows
    from registrations.sip import SipError, read_register, redacted

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "tests" / "samples"
RUNS = re.compile(r"number_of_executed_units: (\d+)")
#: The longest input: longer ones only repeat what a short one shows.
LONGEST = 4096


class Found(AssertionError):
    """The fuzzer found an input that breaks a promise."""


def records_of(name: str | None, pieces: list[bytes]) -> list[Record]:
    """What a reader hands out for these pieces, watermarks aside."""
    reader, records = open_format(name), []
    for piece in pieces:
        records += reader.feed(piece)
    records += reader.end()
    return [record for record in records if not isinstance(record, Pulse)]


def try_bytes(data: bytes) -> None:
    """One input: its first byte names the format, the next two where it is cut."""
    if len(data) < 3:
        return
    names = (None, *NAMES)
    name, body = names[data[0] % len(names)], data[3:]
    cuts = sorted(one * len(body) // 256 for one in data[1:3])
    pieces = [body[: cuts[0]], body[cuts[0] : cuts[1]], body[cuts[1] :]]
    whole = records_of(name, [body])
    if records_of(name, pieces) != whole:
        raise Found(f"{name}: pieces {cuts} differ from the whole")
    read(whole)


def read(records: list[Record]) -> None:
    """Read what the records hold, as `parse` does."""
    pairing, rows = Pairing(), Rows()
    for record in records:
        if isinstance(record, Request):
            redacted(record.raw)
            try:
                pairing.ask(record, read_register(record.raw))
            except SipError as error:
                assert error.rule
        elif isinstance(record, Answer):
            pairing.answer(record)
    for item in pairing.in_order(is_last=True):
        json.loads(rows.register(item, "fuzz"))


def seeds(folder: Path) -> None:
    """Write the samples as inputs: each under every cut of its format."""
    names = (None, *NAMES)
    for number, path in enumerate(sorted(SAMPLES.rglob("*"))):
        if path.is_file():
            text = path.read_bytes()[: LONGEST - 3]
            for index in range(len(names)):
                (folder / f"{number}-{index}").write_bytes(
                    bytes([index, 80, 160]) + text
                )


def fuzz(seconds: int, folder: str) -> None:
    """Runs until the time is up. atheris ends the process: 77 is a finding."""
    flags = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20"]
    flags += ["-rss_limit_mb=1024", "-print_final_stats=1", folder]
    atheris.Setup([sys.argv[0], *flags], try_bytes)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Prints one JSON line; 1 when something was found, and where the input is kept."""
    parser = argparse.ArgumentParser("bin/bench fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seeds(Path(folder))
        call = f"from benchmarks.fuzz import fuzz; fuzz({options.seconds}, {folder!r})"
        done = subprocess.run(
            [sys.executable, "-c", call], capture_output=True, text=True, cwd=ROOT
        )
    runs = RUNS.search(done.stderr)
    row = {
        "bench": "fuzz",
        "seconds": options.seconds,
        "inputs": int(runs[1]) if runs else 0,
        "found": done.returncode != 0,
    }
    sys.stdout.write(json.dumps(row) + "\n")
    if done.returncode:
        sys.stderr.write(done.stderr[-4000:])
    return int(done.returncode != 0)
