"""Where a machine's private things lie: var/, its sockets and its secrets. Reads, never starts.

`pushdash.embedded` starts what these paths name; `settings` only needs the names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

#: sun_path holds 108 bytes with its NUL (unix(7)); PostgreSQL adds "/.s.PGSQL.5432".
SOCKET_PATH_LIMIT = 107
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432.lock")


def var_dir(base: Path) -> Path:
    """The folder for everything this checkout keeps: PUSHDASH_VAR, else var/."""
    return Path(os.environ.get("PUSHDASH_VAR") or base / "var").resolve()


def run_dir(var: Path) -> Path:
    """The folder of the unix sockets: under var/, or under /tmp where that path is too long."""
    inside = var / "run"
    if len(os.fsencode(inside)) + LONGEST_SOCKET_NAME <= SOCKET_PATH_LIMIT:
        return inside
    short = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"pushdash-{os.getuid()}-{short}"


def database_url(var: Path) -> str:
    """The URL of the private PostgreSQL."""
    return f"postgresql://pushdash@/pushdash?host={quote(str(run_dir(var)), safe='/')}"


def maintenance_url(var: Path) -> str:
    """The URL of its database `postgres`, which is there before ours is."""
    return database_url(var).replace("/pushdash?", "/postgres?")


def redis_url(var: Path) -> str:
    """The URL of the private Redis."""
    return f"unix://{run_dir(var) / 'redis.sock'}?db=0"


def read_secret(var: Path, name: str) -> str:
    """A secret kept under var/, or "" where there is none."""
    try:
        return (var / name).read_text().strip()
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return ""
