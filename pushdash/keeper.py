"""Keeps the private services up for as long as some command uses them.

A command that needs them holds a shared lock on var/clients.lock and, when nobody serves yet,
starts this module as a process of its own. It owns the servers as children and stops them a
few seconds after the last lock is gone. Locks go with their process, `kill -9` included.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from pushdash import embedded, private

BASE_DIR = Path(__file__).resolve().parent.parent
LINGER_SECONDS = 3
_held: list = []


def use(base: Path = BASE_DIR) -> None:
    """Have the private services (those no URL replaces) up until this process ends."""
    var = private.var_dir(base)
    embedded.make_secrets(var)
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    hold(var)
    if not _is_up(var):
        _start_keeper(var)


def hold(var: Path) -> None:
    """Hold the clients' lock until this process ends."""
    lock = (var / "clients.lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_SH)
    _held.append(lock)


def _is_up(var: Path) -> bool:
    return embedded.postgres_answers(
        private.database_url(var)
    ) and embedded.redis_answers(private.redis_url(var))


def _start_keeper(var: Path) -> None:
    keeper = _spawn(var)
    until = time.monotonic() + embedded.WAIT_SECONDS
    while not _is_up(var):
        if keeper.poll() == 0:
            # Another one was just leaving, or still is.
            keeper = _spawn(var)
        if keeper.poll() or time.monotonic() > until:
            tail = (var / "keeper.log").read_text(errors="replace")[-400:]
            raise embedded.CannotStart(f"the private services did not start: {tail}")
        time.sleep(0.1)


def _spawn(var: Path) -> subprocess.Popen:
    with (var / "keeper.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pushdash.keeper", "keep"],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def keep(var: Path) -> None:
    """Serve until nobody uses the services. A second keeper leaves at once."""
    owner = (var / "owner.lock").open("a")
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children: list[subprocess.Popen] = []
    # Taken alone only when nobody uses the services; new clients then wait for the end.
    clients = (var / "clients.lock").open("a")
    try:
        start_services(var, children)
        while all(child.poll() is None for child in children):
            time.sleep(LINGER_SECONDS)
            if _try_alone(clients):
                break
    finally:
        stop_services(children)


def start_services(var: Path, children: list[subprocess.Popen]) -> None:
    """Start both servers as children, PostgreSQL first, and wait for them."""
    embedded.prepare_postgres(var)
    postgres = _child(embedded.postgres_command(var))
    children.append(postgres)
    embedded.wait_for(lambda: embedded.postgres_is_up(var), postgres, "PostgreSQL")
    embedded.create_database(var)
    redis = _child(embedded.redis_command(var))
    children.append(redis)
    url = private.redis_url(var)
    embedded.wait_for(lambda: embedded.redis_answers(url), redis, "Redis")


def stop_services(children: list[subprocess.Popen]) -> None:
    """End them, the last first. SIGINT is PostgreSQL's fast shutdown."""
    for child in reversed(children):
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
            child.wait(embedded.WAIT_SECONDS)


def _child(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(
        command,
        cwd="/",
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: embedded.die_with_parent(signal.SIGINT),
    )


def _try_alone(lock) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(command: list[str]) -> int:
    """Run a command with the services up and their URLs in its environment."""
    use()
    var = private.var_dir(BASE_DIR)
    environment = {
        "DATABASE_URL": private.database_url(var),
        "REDIS_URL": private.redis_url(var),
        **{key: value for key, value in os.environ.items() if value},
    }
    return subprocess.run(command, env=environment).returncode


def main() -> int:
    if sys.argv[1:2] == ["run"]:
        return run(sys.argv[2:])
    keep(private.var_dir(BASE_DIR))
    return 0


if __name__ == "__main__":
    sys.exit(main())
