"""`manage.py up` as a process, in a folder of its own: its children, its page, its rows."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from pushdash import embedded, private
from pushdash.management.commands.up import free_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60
SERVED_ELSEWHERE = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
#: Name → words of the command line of each child of the supervisor.
CHILDREN = {
    "postgres": "postgres -D",
    "redis": "redis-server",
    "simulator": "-m simulator",
    "ingest": "manage.py ingest",
    "callers": "demo_calls",
    "web": "uvicorn",
    "worker-voip": "-Q voip",
    "worker": "-Q bulk",
    "beat": "celery -A pushdash beat",
    "lookout": "manage.py lookout",
}


class Product:
    """One `manage.py up` with nothing around it but its var folder and an empty home."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.var, self.home, self.port = folder / "var", folder / "home", free_port()
        self.home.mkdir(exist_ok=True)
        self.terminal = self.home / f"terminal-{self.port}"
        self.started = time.monotonic()
        with self.terminal.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), *options],
                cwd=ROOT,
                env=self.environment(),
                stdout=terminal,
                stderr=terminal,
                preexec_fn=lambda: embedded.die_with_parent(signal.SIGTERM),
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        """What a command beside it needs to use the same services."""
        inherited = {k: v for k, v in os.environ.items() if k not in SERVED_ELSEWHERE}
        return inherited | {"PUSHDASH_VAR": str(self.var), "HOME": str(self.home)}

    def said(self) -> str:
        """What it printed so far."""
        return self.terminal.read_text()

    def password_of(self, name: str) -> str:
        """The demo password it printed."""
        return re.search(rf"log in as {name} +password (\S+)", self.said())[1]

    def is_serving(self) -> bool:
        """True when the login page and everything behind it answer."""
        return self.answers("/login/") and self.answers("/readyz")

    def answers(self, path: str) -> bool:
        """True when a page comes with status 200."""
        try:
            urlopen(self.url + path, timeout=5).close()
        except (URLError, ConnectionError, TimeoutError):
            return False
        return True

    def processes(self) -> dict[int, str]:
        """Every process that works in its var, the supervisor included."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            ours = f"PUSHDASH_VAR={self.var}".encode() in environment
            if command and (ours or f"{self.var}/".encode() in command):
                found[int(folder.name)] = command.decode(errors="replace")
        return found

    def child(self, words: str) -> int:
        """The child of the supervisor whose command line holds `words`; 0 for none."""
        for pid, command in self.processes().items():
            if words in command and parent_of(pid) == self.process.pid:
                return pid
        return 0

    def kill(self, name: str) -> int:
        """`kill -9` the child of that name; its pid."""
        until(lambda: self.child(CHILDREN[name]))
        pid = self.child(CHILDREN[name])
        os.kill(pid, signal.SIGKILL)
        return pid

    def rows(self, query: str, *values: object) -> list[tuple]:
        """Rows of its database. Raises psycopg.OperationalError while that is away."""
        url = private.database_url(self.var)
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as session:
            return session.execute(query, values).fetchall()

    def manage(self, *arguments: str) -> subprocess.Popen:
        """A manage.py command that uses its services."""
        services = {
            "DATABASE_URL": private.database_url(self.var),
            "REDIS_URL": private.redis_url(self.var),
        }
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment() | services,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self) -> int:
        """Stop it, whatever state it is in; its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


def parent_of(pid: int) -> int:
    """The parent's pid; 0 for a process that is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"^PPid:\s+(\d+)", status, re.MULTILINE)[1])
    return 0


def until(is_so: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> float:
    """Wait for it, patiently but not for ever; the seconds it took."""
    started = time.monotonic()
    while not is_so():
        assert time.monotonic() - started < seconds, "it did not come about"
        time.sleep(0.1)
    return time.monotonic() - started


@contextmanager
def demo(*options: str) -> Iterator[Product]:
    """A serving `up --demo` in a temporary folder; gone with everything at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pushdash-bench-"))
    product = Product(folder, "--demo", *options)
    try:
        until(lambda: "Ctrl-C stops" in product.said() and product.is_serving())
        yield product
    finally:
        product.end()
        shutil.rmtree(folder, ignore_errors=True)
