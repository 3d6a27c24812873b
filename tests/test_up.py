"""`bin/up` whole, in an empty home: private services, restarts, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from pushdash.management.commands.up import free_port

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 60
SERVED_ELSEWHERE = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}


class Running:
    """A `manage.py up` of its own, in a var of its own."""

    def __init__(self, var: Path, home: Path) -> None:
        self.var, self.port = var, free_port()
        environment = {k: v for k, v in os.environ.items() if k not in SERVED_ELSEWHERE}
        with (home / "terminal").open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=ROOT,
                env=environment | {"PUSHDASH_VAR": str(var), "HOME": str(home)},
                stdout=terminal,
                stderr=terminal,
            )
        self.terminal = home / "terminal"

    def said(self) -> str:
        return self.terminal.read_text()

    def is_serving(self) -> bool:
        """True when the login page and everything behind it answer."""
        try:
            base = f"http://127.0.0.1:{self.port}"
            pages = [urlopen(base + path) for path in ("/login/", "/readyz")]
        except (URLError, ConnectionError):
            return False
        for page in pages:
            page.close()
        return True

    def processes(self) -> dict[int, str]:
        """Every process that works in our var, the supervisor included."""
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
        """The child of the supervisor whose command line holds `words`."""
        for pid, command in self.processes().items():
            status = Path(f"/proc/{pid}/status").read_text()
            if words in command and f"PPid:\t{self.process.pid}\n" in status:
                return pid
        return 0


def until(is_so) -> None:
    """Wait for it, patiently but not for ever."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.2)


def start(folder: Path) -> Running:
    """A product that serves, with nothing around it but two empty folders."""
    home = folder / "home"
    home.mkdir()
    found = Running(folder / "var", home)
    until(lambda: "Ctrl-C stops" in found.said() and found.is_serving())
    return found


def end(running: Running) -> None:
    """Stop it, whatever state it is in."""
    running.process.terminate()
    running.process.wait(PATIENCE_SECONDS)


@pytest.fixture(scope="module")
def running(tmp_path_factory) -> Iterator[Running]:
    found = start(tmp_path_factory.mktemp("up"))
    yield found
    end(found)


@pytest.fixture
def ending(tmp_path) -> Iterator[Running]:
    found = start(tmp_path)
    yield found
    end(found)


def test_it_starts_with_nothing_given_and_leaves_no_process(ending):
    assert f"http://127.0.0.1:{ending.port}/first-run/" in ending.said()
    assert len(ending.processes()) >= 7
    ending.process.send_signal(signal.SIGTERM)
    assert ending.process.wait(PATIENCE_SECONDS) == 0
    assert ending.said().endswith("Stopped.\n")
    assert ending.processes() == {}


def test_secrets_and_sockets_are_for_their_owner_alone(running):
    for name in ("secret.key", "encryption.key"):
        assert (running.var / name).stat().st_mode & 0o777 == 0o600
    assert (running.var / "postgres").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("words", ["postgres -D", "redis-server", "uvicorn", "-Q voip"])
def test_a_killed_child_is_started_again(running, words):
    killed = running.child(words)
    os.kill(killed, signal.SIGKILL)
    until(lambda: running.child(words) not in (0, killed))
    until(running.is_serving)


def test_a_killed_supervisor_leaves_no_orphans(ending):
    ending.process.kill()
    ending.process.wait()
    until(lambda: ending.processes() == {})


def test_a_second_one_in_the_same_folder_says_so(running, tmp_path):
    second = Running(running.var, tmp_path)
    assert second.process.wait(PATIENCE_SECONDS) != 0
    assert "another pushdash uses" in second.said()
    assert len(second.said().splitlines()) == 1
