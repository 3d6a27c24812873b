"""A wire before APNs that behaves as a network: what a sender handed to it before it was killed
arrives. On loopback its socket is reset at once, and a server loses what it had not read yet.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from benchmarks.private_services import ROOT
from pushdash.management.commands.up import free_port

PIECE = 65_536


def carried_to(port: int) -> AbstractContextManager[int]:
    """The port of a wire to `port`."""
    return served_by("benchmarks.wire", port)


@contextmanager
def served_by(module: str, *arguments: object) -> Iterator[int]:
    """The port of a process that runs `serve` of a module, with the port and these."""
    mine = free_port()
    program = f"import sys; from {module} import serve; serve(*sys.argv[1:])"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(mine), *map(str, arguments)], cwd=ROOT
    )
    try:
        yield mine
    finally:
        process.terminate()
        process.wait(10)


def serve(mine: str, there: str) -> None:
    """Until ended."""
    with socket.create_server(("127.0.0.1", int(mine)), backlog=64) as door:
        while True:
            near, _ = door.accept()
            threading.Thread(target=_join, args=(near, int(there)), daemon=True).start()


def _join(near: socket.socket, there: int) -> None:
    with near, socket.create_connection(("127.0.0.1", there)) as far:
        back = threading.Thread(target=_carry, args=(far, near), daemon=True)
        back.start()
        _carry(near, far)
        back.join()


def _carry(source: socket.socket, target: socket.socket) -> None:
    """All that comes, also when nobody takes it any more: the other way goes on."""
    with suppress(OSError):
        while data := source.recv(PIECE):
            with suppress(OSError):
                target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
