"""`manage.py up`: the whole product on this machine, supervised, until Ctrl-C."""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import secrets
import signal
import socket
import subprocess

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from notifications.groups import GROUPS
from pushdash import embedded, private, processes
from pushdash.binaries import NoProgram
from pushdash.supervisor import Supervisor


class Command(BaseCommand):
    help = (
        "Start pushdash: database and Redis (unless DATABASE_URL and REDIS_URL name others), "
        "workers, beat and the web server. --demo adds a simulated APNs server and fleet."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--demo", action="store_true", help="with a simulated fleet"
        )
        parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
        parser.add_argument(
            "--port", type=port_number, default=8000, help="default: 8000"
        )

    def handle(self, *, demo: bool, host: str, port: int, **options) -> None:
        if demo and not is_loopback(host):
            raise CommandError(f"--demo listens on loopback only, not on {host}")
        self._var = private.var_dir(settings.BASE_DIR)
        try:
            self._prepare(host, port)
            supervisor = Supervisor(settings.BASE_DIR, self._var / "log", self._say)
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, supervisor.ask_to_stop)
            self._run(supervisor, demo, host, port)
        except (embedded.CannotStart, NoProgram) as error:
            raise CommandError(str(error)) from error

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _prepare(self, host: str, port: int) -> None:
        if not port_is_free(host, port):
            raise CommandError(
                f"port {port} of {host} is taken: choose one with --port"
            )
        try:
            embedded.make_secrets(self._var)
            (self._var / "log").mkdir(exist_ok=True)
            self._owner = (self._var / "owner.lock").open("a")
        except OSError as error:
            raise CommandError(f"{self._var} cannot be written to: {error}") from error
        try:
            fcntl.flock(self._owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"another pushdash uses {self._var} (bin/up, or a command that is ending)"
            ) from None

    def _run(self, supervisor: Supervisor, demo: bool, host: str, port: int) -> None:
        self._say("Starting pushdash …")
        try:
            self._start_services(supervisor)
            self._manage("migrate", "-v0")
            url = f"http://{host}:{port}"
            passwords = self._prepare_demo(supervisor, url) if demo else {}
            for process in processes.product(host, port, self._var):
                supervisor.start(process)
            self._start_sources(supervisor)
            self._welcome(url, passwords)
            supervisor.watch()
        finally:
            self._say("Stopping …")
            supervisor.stop()
            self._say("Stopped.")

    def _start_services(self, supervisor: Supervisor) -> None:
        own = {
            name: not os.environ.get(f"{name}_URL") for name in ("DATABASE", "REDIS")
        }
        if own["DATABASE"]:
            embedded.prepare_postgres(self._var)
        else:
            embedded.make_owned(private.run_dir(self._var))
        for process in processes.services(
            self._var, postgres=own["DATABASE"], redis=own["REDIS"]
        ):
            child = supervisor.start(process)
            is_up = self._is_up(process.name)
            embedded.wait_for(is_up, child.handle, process.name)
        if own["DATABASE"]:
            embedded.create_database(self._var)
        os.environ["DATABASE_URL"] = settings.DATABASE_URL
        os.environ["REDIS_URL"] = settings.REDIS_URL

    def _start_sources(self, supervisor: Supervisor) -> None:
        has_hep = bool(settings.HEP_UDP or settings.HEP_TCP)
        wanted = processes.sources(hep=has_hep, registrar=bool(settings.REGISTRAR_URL))
        for process in wanted:
            supervisor.start(process)

    def _is_up(self, name: str):
        if name == "postgres":
            return lambda: embedded.postgres_is_up(self._var)
        return lambda: embedded.redis_answers(settings.REDIS_URL)

    def _manage(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            processes.manage(*arguments),
            cwd=settings.BASE_DIR,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            # Ctrl-C is for us: what has begun ends in order.
            start_new_session=True,
            preexec_fn=embedded.die_with_parent,
        )
        if done.returncode:
            why = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise CommandError(f"manage.py {arguments[0]} failed: {' '.join(why)}")
        return done.stdout.strip()

    def _prepare_demo(self, supervisor: Supervisor, url: str) -> dict[str, str]:
        folder = self._var / "demo"
        os.environ["PUSHDASH_DEMO"] = "1"
        passwords = {name: secrets.token_urlsafe(9) for name in GROUPS}
        apns_port = free_port()
        self._manage(
            *("demo_prepare", "--folder", str(folder), "--apns-port", str(apns_port)),
            *("--url", url),
            PUSHDASH_DEMO_PASSWORDS=json.dumps(passwords),
        )
        for process in processes.rehearsal(folder, apns_port):
            supervisor.start(process)
        return passwords

    def _welcome(self, url: str, passwords: dict[str, str]) -> None:
        self._say(f"\n  pushdash is at {url}\n")
        for name, password in passwords.items():
            self._say(f"  log in as {name:<8} password {password}")
        if not passwords:
            link = self._manage("first_run_link", "--base-url", url)
            self._say(f"  {link}")
        self._say(f"\n  Logs are in {self._var / 'log'}. Ctrl-C stops everything.\n")


def is_loopback(host: str) -> bool:
    """True for an address only this machine can reach."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def port_number(text: str) -> int:
    """A TCP port to listen on. Raises ValueError for any other text."""
    port = int(text)
    if not 0 <= port < 65536:
        raise ValueError(text)
    return port


def port_is_free(host: str, port: int) -> bool:
    """True when a server could listen there. Raises CommandError for an unknown host."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise CommandError(f"no such host: {host}") from error
    except PermissionError as error:
        raise CommandError(
            f"port {port} is for root alone: choose one with --port"
        ) from error
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of loopback nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
