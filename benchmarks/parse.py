"""`parse` of a Kamailio debug log against `grep -c 'REGISTER sip'` on the same file.

The log is the shared corpus again and again, each time with fresh identities, amid lines as
Kamailio prints them at debug=3.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.memory import Run, measured

ROOT = Path(__file__).resolve().parent.parent
CORPUS = ROOT.parent / "shared/corpora/devices2000-kamailio/kamailio_mb.log.gz"
RECORD = re.compile(rb"(?m)^ ?\d+\(\d+\) INFO: <script>: RECEIVED ")
IDENTITY = re.compile(rb"l[1-4]u\d{6}|L[1-4]-\d+@|urn:uuid:[0-9a-f-]{24}|[0-9a-f]{64}")
NOISE = [
    b"DEBUG: <core> [core/parser/msg_parser.c:621]: parse_msg(): SIP Request:",
    b"DEBUG: <core> [core/parser/msg_parser.c:623]: parse_msg():  method:  <REGISTER>",
    b"DEBUG: <core> [core/parser/msg_parser.c:627]: parse_msg():  version: <SIP/2.0>",
    b"DEBUG: <core> [core/parser/parse_via.c:1303]: parse_via_param(): found param",
    b"DEBUG: <core> [core/parser/parse_via.c:2639]: parse_via(): end of header reached",
    b"DEBUG: <core> [core/parser/msg_parser.c:496]: parse_headers(): via found, flags=2",
    b"DEBUG: <core> [core/receive.c:389]: receive_msg(): --- received sip message - "
    b"request - call-id: [%d] - cseq: [1 REGISTER]",
    b"DEBUG: registrar [save.c:1180]: assemble_ruid(): found contact sip:user@10.0.0.1",
    b"DEBUG: usrloc [urecord.c:123]: insert_ucontact(): urecord of %d, pn-prid=00ff",
    b"DEBUG: tm [t_lookup.c:1328]: t_check_msg(): msg (0x7f%d) id=1 global id=1",
    b"DEBUG: <core> [core/mem/shm.c:22]: sh_fragment_stats(): fragment of %d bytes",
    b"DEBUG: auth [api.c:86]: pre_auth(): realm [sip.example.org] nonce checked",
]


def timed(command: list[str]) -> Run:
    """One run of a command. Its output goes to a file: grep leaves early from /dev/null."""
    with tempfile.NamedTemporaryFile() as out:
        return timed_into(Path(out.name), command)


def timed_into(place: Path, command: list[str]) -> Run:
    """One run of a command whose output is wanted in a file."""
    with place.open("wb") as out:
        return measured(command, out, ROOT)


def fresh(
    corpus: bytes, seed: random.Random, identity: re.Pattern[bytes] = IDENTITY
) -> bytes:
    """The corpus with other users, Call-IDs, instances and tokens of the same length."""
    names: dict[bytes, bytes] = {}

    def another(found: re.Match[bytes]) -> bytes:
        old = found[0]
        if old not in names:
            digits = seed.randbytes(40).hex().encode()
            if old[:1] in b"lL" and not old.endswith(b"@"):
                names[old] = b"l%d" % seed.randrange(10) + digits[: len(old) - 2]
            elif old.endswith(b"@"):
                names[old] = digits[: len(old) - 1] + b"@"
            else:
                kept = 9 if old.startswith(b"urn:") else 0
                names[old] = old[:kept] + digits[: len(old) - kept]
        return names[old]

    return identity.sub(another, corpus)


def noise(size: int, seed: random.Random) -> bytes:
    """About `size` bytes of debug lines."""
    lines, length = [], 0
    while length < size:
        text = seed.choice(NOISE)
        line = b"%2d(12%03d) " % (seed.randrange(20), seed.randrange(1000)) + (
            text % seed.randrange(10**9) if b"%d" in text else text
        )
        lines.append(line + b"\n")
        length += len(line) + 1
    return b"".join(lines)


def pieces(target_registers: int, target_bytes: int) -> Iterator[bytes]:
    """The log, record by record, noise between them."""
    corpus, seed = gzip.decompress(CORPUS.read_bytes()), random.Random(7)
    per_round = corpus.count(b"\nREGISTER sip")
    left = target_registers
    padding = max(0, target_bytes // target_registers - len(corpus) // per_round)
    blocks = [noise(2 * padding, seed) for _ in range(50)]
    while left > 0:
        text = fresh(corpus, seed)
        starts = [found.start() for found in RECORD.finditer(text)]
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            is_register = text.startswith(b"REGISTER", text.find(b"\n", start) + 1)
            if is_register and left <= 0:
                return
            left -= is_register
            yield text[start:end]
            if is_register and left % 2:
                yield seed.choice(blocks)


def main(arguments: list[str]) -> int:
    """Prints one JSON line; 1 when slower than the bar or hungrier."""
    parser = argparse.ArgumentParser("bin/bench parse", description=__doc__)
    parser.add_argument("--registers", type=int, default=220_000)
    parser.add_argument("--megabytes", type=int, default=540)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "kamailio.log"
        with log.open("wb") as out:
            for piece in pieces(options.registers, options.megabytes * 1_000_000):
                out.write(piece)
        grep = ["grep", "-c", "REGISTER sip", str(log)]
        parse = [sys.executable, "manage.py", "parse", "--format", "kamailio", str(log)]
        runs = [(timed(grep), timed(parse)) for _ in range(options.rounds)]
        size = log.stat().st_size
    floor = statistics.median(run.seconds for run, _ in runs)
    seconds = statistics.median(run.seconds for _, run in runs)
    peak = max(run.peak_mb for _, run in runs)
    row = {
        "bench": "parse",
        "megabytes": round(size / 1e6),
        "registers": options.registers,
        "grep_seconds": round(floor, 2),
        "parse_seconds": round(seconds, 2),
        "ratio_to_grep": round(seconds / floor, 1),
        "registers_per_second": round(options.registers / seconds),
        "peak_mb": round(peak),
    }
    sys.stdout.write(json.dumps(row) + "\n")
    return int(seconds / floor > 20 or peak > 150)
