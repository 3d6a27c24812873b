"""A real Redis that a test fills as Flexisip fills its registrar (SIP.md §3)."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import redis

from pushdash import binaries
from tests.server import free_port

HEADERS = "path=%3Csip%3Aproxy.example.org%3Blr%3E&user-agent=" + quote("Phone/5.2 (x)")


class FlexisipRedis:
    """Its server, and a client that writes what Flexisip would."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen | None = None
        self.client = redis.Redis.from_url(self.url)

    def start(self) -> None:
        """Serve, empty, with key events as a careful operator has them."""
        command = [str(binaries.redis_server()), "--port", str(self.port)]
        command += ["--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        command += ["--notify-keyspace-events", "Ex"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "Redis did not start"
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server; its rows are gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self.client.ping())
        return False

    def bind(
        self,
        user: str,
        contact: str,
        at: datetime,
        *,
        instance: str | None,
        expires: int = 3600,
        call_id: str = "c1",
        cseq: int = 20,
        domain: str = "sip.example.org",
    ) -> None:
        """One binding: MULTI, HDEL, HMSET, EXPIREAT, EXEC, then PUBLISH."""
        field = f'"<{instance}>"' if instance else f"fs-gen-{user:0>20}"
        own = f"fs-conn-id=ab12;callid={quote(call_id, safe='')};expires={expires}"
        own += f";cseq={cseq};updatedAt={int(at.timestamp())};alias=no;usedAsRoute=no"
        behind = f';+sip.instance="<{instance}>"' if instance else ""
        key = f"fs:{user}@{domain}"
        with self.client.pipeline(transaction=True) as pipeline:
            pipeline.hdel(key, field)
            pipeline.hset(key, field, f"<{contact};{own}?{HEADERS}>{behind}")
            pipeline.expireat(key, int(at.timestamp()) + expires)
            pipeline.execute()
        self.client.publish(f"{user}@{domain}", field)

    def unbind(self, user: str, instance: str, domain: str = "sip.example.org") -> None:
        """As Flexisip does for Expires: 0."""
        self.client.hdel(f"fs:{user}@{domain}", f'"<{instance}>"')
        self.client.publish(f"{user}@{domain}", f'"<{instance}>"')


@contextmanager
def flexisip_redis(folder: Path) -> Iterator[FlexisipRedis]:
    """A running one, ended with the test."""
    server = FlexisipRedis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
