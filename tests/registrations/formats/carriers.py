"""A program's output as Docker, Kubernetes, the journal and syslog keep it: a record a line."""

from __future__ import annotations

import json
from collections.abc import Callable

STAMP = "2026-11-23T19:51:41.377040"
PREFIXES = {
    "cri": f"{STAMP}123+00:00 stderr F ",
    "syslog": "Nov 23 19:51:41 vm prog[43]: ",
    "iso": f"{STAMP}+00:00 vm prog[43]: ",
    "rfc5424": f"<134>1 {STAMP}Z vm prog 43 - - ",
}


def docker(line: bytes) -> bytes:
    entry = {"log": line.decode() + "\n", "stream": "stderr", "time": f"{STAMP}123Z"}
    return json.dumps(entry).encode() + b"\n"


def journal(line: bytes) -> bytes:
    """`journalctl -o json`; a CR makes an array of a line."""
    text = list(line) if b"\r" in line else line.decode()
    micros = "1795463501377040"
    entry = {"__REALTIME_TIMESTAMP": micros, "_PID": "43", "MESSAGE": text}
    return json.dumps(entry).encode() + b"\n"


def export(line: bytes) -> bytes:
    """`journalctl -o export`: what holds a CR has its length before it."""
    size = len(line).to_bytes(8, "little")
    text = b"\n" + size + line if b"\r" in line else b"=" + line
    head = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795463501377040\n_PID=43\n"
    return head + b"MESSAGE" + text + b"\n_HOSTNAME=vm\n\n"


def prefixed(carrier: str) -> Callable[[bytes], bytes]:
    return lambda line: PREFIXES[carrier].encode() + line + b"\n"


CARRIERS = {
    "docker": docker,
    "journal": journal,
    "export": export,
    **{carrier: prefixed(carrier) for carrier in PREFIXES},
}


def carried(log: bytes, carrier: str) -> bytes:
    """Each line of a log in a record of its own."""
    lines = log.removesuffix(b"\n").split(b"\n")
    return b"".join(map(CARRIERS[carrier], lines))
