"""Requests share a few threads that live on, those of each door its own."""

from __future__ import annotations

import asyncio
import threading

from asgiref.sync import sync_to_async

from pushdash.doors import Doors, door_of

ENOUGH = 5


def run(paths: list[str]) -> list[str]:
    """The thread each request's synchronous part ran in."""
    seen = []

    async def application(scope, receive, send) -> None:
        seen.append(await sync_to_async(_name)())

    async def whole() -> dict:
        return {"type": "http.request", "body": b""}

    async def go() -> None:
        doors = Doors(application, {"pushes": 2})
        for path in paths:
            await doors({"type": "http", "path": path}, whole, None)

    asyncio.run(go())
    return seen


def _name() -> str:
    return threading.current_thread().name


def test_one_after_the_other_runs_in_the_same_thread():
    names = run(["/gateway/s/push", "/api/v1/pushes", "/flexiapi/api/x"])
    assert len(set(names)) == 1
    assert names[0].startswith("door")


def test_what_has_no_door_gets_a_thread_of_its_own():
    assert not run(["/pushes/"])[0].startswith("door")


def test_long_files_and_bodies_go_through_no_door():
    paths = ["/devices/", "/devices/export.csv", "/api/v1/logs/proxy", "/readyz"]
    assert [door_of(path) for path in paths] == ["pages", "none", "none", "none"]
    paths = ["/api/v1/pushes", "/gateway/s", "/api/v1/beacons", "/static/x.css"]
    assert [door_of(path) for path in paths] == ["pushes", "pushes", "beacons", "pages"]


def test_a_body_that_comes_slowly_holds_no_thread():
    async def application(scope, receive, send) -> None:
        message = await receive()
        scope["got"].append(message["body"])

    async def go() -> list[bytes]:
        doors, got, gate = Doors(application, {"pushes": 1}), [], asyncio.Event()

        async def slow() -> dict:
            await gate.wait()
            return {"type": "http.request", "body": b"slow"}

        async def whole() -> dict:
            return {"type": "http.request", "body": b"whole"}

        scope = {"type": "http", "path": "/gateway/x", "got": got}
        first = asyncio.create_task(doors(scope, slow, None))
        await asyncio.wait_for(doors(scope, whole, None), ENOUGH)
        gate.set()
        await asyncio.wait_for(first, ENOUGH)
        return got

    assert asyncio.run(go()) == [b"whole", b"slow"]


def test_a_body_in_pieces_is_handed_on_whole_and_in_order():
    pieces = [(b"a", True), (b"b", True), (b"c", False)]

    async def application(scope, receive, send) -> None:
        scope["got"] += [(await receive())["body"] for _ in range(3)]

    async def receive() -> dict:
        body, more = pieces.pop(0)
        return {"type": "http.request", "body": body, "more_body": more}

    scope = {"type": "http", "path": "/api/v1/pushes", "got": []}
    asyncio.run(_once(application, scope, receive))
    assert scope["got"] == [b"a", b"b", b"c"]


async def _once(application, scope, receive) -> None:
    await Doors(application, {"pushes": 1})(scope, receive, None)


def test_beacons_have_threads_of_their_own():
    threads = {}

    async def application(scope, receive, send) -> None:
        threads[scope["path"]] = await sync_to_async(threading.get_ident)()

    async def whole() -> dict:
        return {"type": "http.request", "body": b""}

    async def go() -> None:
        doors = Doors(application, {"beacons": 1, "pushes": 1})
        for path in ("/api/v1/beacons", "/gateway/s/push"):
            await doors({"type": "http", "path": path}, whole, None)

    asyncio.run(go())
    assert len(set(threads.values())) == 2
