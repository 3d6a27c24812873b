"""The private PostgreSQL and Redis of this checkout: how they are made and started.

Unix sockets under var/ only, no ports. `keeper` and `supervisor` own the processes.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import psycopg
import redis
from cryptography.fernet import Fernet

from pushdash import private
from pushdash.binaries import postgres_bin, redis_server

PR_SET_PDEATHSIG = 1
WAIT_SECONDS = 60
#: For a checkout in a folder of root's alone. PostgreSQL asks access(2), which forgets the
#: capabilities of everybody but root unless no_setuid_fixup is set (capabilities(7)).
PASS_CLOSED_FOLDERS = [
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--securebits=+no_setuid_fixup",
]


class CannotStart(Exception):
    """A private service that did not come up; the text says why."""


def die_with_parent(sig: int = signal.SIGKILL) -> None:
    """In a child before exec: the kernel ends it when its parent dies (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, sig)


def make_secrets(var: Path) -> None:
    """The secret key and the encryption key under var/, 0600, where they are missing."""
    var.mkdir(mode=0o755, parents=True, exist_ok=True)
    for name, value in (
        ("secret.key", secrets.token_urlsafe(50)),
        ("encryption.key", Fernet.generate_key().decode()),
    ):
        try:
            place = os.open(var / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        with os.fdopen(place, "w") as file:
            file.write(value)


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses root: then it runs as nobody."""
    return pwd.getpwnam("nobody") if os.getuid() == 0 else None


def _as_server(var: Path, program: str, *arguments: str) -> list[str]:
    """A PostgreSQL program's command line, as the server's user."""
    path = postgres_bin() / program
    command = [str(path), *arguments]
    user = _server_user()
    if user is None:
        return command
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        *([] if is_open(var) and is_open(path) else PASS_CLOSED_FOLDERS),
        "--pdeathsig=INT",
        "--",
        *command,
    ]


def is_open(place: Path) -> bool:
    """True when every folder above it lets other users pass (`chmod o+x`)."""
    return all(folder.stat().st_mode & 0o001 for folder in place.parents)


def make_owned(folder: Path) -> None:
    """A folder for the server's user alone. Raises CannotStart where another holds the name:
    the folder of the sockets may lie under /tmp.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = _server_user()
    found = folder.lstat()
    owners = {os.getuid(), user.pw_uid if user else os.getuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise CannotStart(f"{folder} belongs to somebody else: remove it")
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def prepare_postgres(var: Path) -> None:
    """The cluster, with user and database `pushdash`, made once."""
    data = var / "postgres"
    make_owned(private.run_dir(var))
    if (data / "PG_VERSION").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    fresh = var / "postgres.new"
    shutil.rmtree(fresh, ignore_errors=True)
    make_owned(fresh)
    command = _as_server(
        var,
        "initdb",
        f"--pgdata={fresh}",
        "--username=pushdash",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    )
    made = subprocess.run(command, capture_output=True, text=True, cwd="/")
    if made.returncode:
        raise CannotStart(
            f"initdb failed: {(made.stderr or made.stdout).strip()[-400:]}"
        )
    fresh.rename(data)


def shared_mb() -> int:
    """What PostgreSQL keeps in memory itself: a quarter of the machine's, at most 2 GB."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(128, min(2048, total // 4 // 2**20))


def postgres_command(var: Path) -> list[str]:
    """The server, on a unix socket alone."""
    return _as_server(
        var,
        "postgres",
        f"-D{var / 'postgres'}",
        f"-k{private.run_dir(var)}",
        "-h",
        "",
        "-cmax_connections=100",
        f"-cshared_buffers={shared_mb()}MB",
        "-cmax_wal_size=2GB",
        "-cio_method=sync",
        "-clog_min_messages=warning",
    )


def redis_command(var: Path) -> list[str]:
    """The server, on a unix socket alone. It keeps nothing: the rows are the truth."""
    socket = private.run_dir(var) / "redis.sock"
    return [
        str(redis_server()),
        *("--port", "0"),
        *("--unixsocket", str(socket)),
        *("--unixsocketperm", "700"),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--dir", str(private.run_dir(var))),
        *("--loglevel", "warning"),
    ]


def postgres_answers(url: str) -> bool:
    """True when the server takes connections."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def redis_answers(url: str) -> bool:
    """True when the server answers PING."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def create_database(var: Path) -> None:
    """The database `pushdash`, where it is missing."""
    with psycopg.connect(private.maintenance_url(var), autocommit=True) as session:
        query = "SELECT 1 FROM pg_database WHERE datname = 'pushdash'"
        if session.execute(query).fetchone() is None:
            session.execute("CREATE DATABASE pushdash")


def wait_for(is_up, process: subprocess.Popen, what: str) -> None:
    """Until `is_up()`. Raises CannotStart when the process ends first, or time is up."""
    until = time.monotonic() + WAIT_SECONDS
    while not is_up():
        if process.poll() is not None:
            raise CannotStart(f"{what} ended with status {process.returncode}")
        if time.monotonic() > until:
            raise CannotStart(f"{what} does not answer after {WAIT_SECONDS} s")
        time.sleep(0.1)


def postgres_is_up(var: Path) -> bool:
    """True when the private PostgreSQL takes connections."""
    return postgres_answers(private.maintenance_url(var))
