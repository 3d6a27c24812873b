"""Servers that break HTTP/2, or keep to its letter and to nothing else. Whatever they do:
nothing hangs, nothing is sent twice, each outcome is true, and the next push gets through.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hyperframe.frame import GoAwayFrame

from notifications.apns import Outcome, connecting
from tests.apns import client_of, push
from tests.notifications.apns.hostile import HostileServer, Misdeed
from tests.notifications.apns.misdeeds import (
    BROKEN,
    CLOSED,
    COUNT,
    KIND,
    LARGEST,
    deaf,
    each,
    ended,
    greeting,
    leaving_unheard,
)


@pytest.fixture
def meet(identity):
    """Send some pushes into the misdeed, then one more; (server, sent, last result)."""

    def run(misdeed: Misdeed, seconds: float = 3.0, count: int = COUNT):
        async def main():
            server = HostileServer(misdeed)
            client = client_of(identity, await server.start(identity))
            try:
                pushes = [push() for _ in range(count)]
                sends = [client.send(one, seconds) for one in pushes]
                results = await asyncio.gather(*sends)
                server.mend()
                after = [await client.send(push(), 8) for _ in range(3)]
                return server, list(zip(pushes, results, strict=True)), after
            finally:
                await client.close()
                await server.close()

        return asyncio.run(asyncio.wait_for(main(), 60))

    return run


def check_truth(server: HostileServer, sent: list) -> None:
    assert set(server.whole.values()) <= {1}, "a push was sent twice"
    for one, result in sent:
        if result.outcome == Outcome.ACCEPTED:
            assert one.apns_id in server.answered
        elif result.outcome == Outcome.UNKNOWN:
            assert one.apns_id in server.whole
        elif result.outcome == Outcome.NOT_SENT:
            reached = set(server.whole) - server.disclaimed
            assert one.apns_id not in reached


@pytest.mark.parametrize("kind", KIND)
def test_whatever_is_answered_is_told(meet, kind):
    server, sent, after = meet(KIND[kind])
    check_truth(server, sent)
    told = {result.outcome for _, result in sent}
    assert told <= {Outcome.ACCEPTED, Outcome.NOT_SENT}
    assert sum(one.outcome == Outcome.ACCEPTED for _, one in sent) == len(
        server.answered & {one.apns_id for one, _ in sent}
    )
    assert {one.outcome for one in after} == {Outcome.ACCEPTED}


@pytest.mark.parametrize("kind", BROKEN)
def test_whatever_had_left_is_unknown(meet, kind):
    server, sent, after = meet(BROKEN[kind])
    check_truth(server, sent)
    assert Outcome.UNKNOWN in {result.outcome for _, result in sent}
    assert after[-1].outcome == Outcome.ACCEPTED


@pytest.mark.parametrize("kind", CLOSED)
def test_what_never_left_is_told_so(meet, kind):
    server, sent, after = meet(CLOSED[kind], seconds=3.5)
    check_truth(server, sent)
    assert {result.outcome for _, result in sent} <= {
        Outcome.NOT_SENT,
        Outcome.ACCEPTED,
    }
    assert after[-1].outcome == Outcome.ACCEPTED


def test_a_server_that_does_not_read_is_left(meet):
    server, sent, after = meet(Misdeed(greet=deaf), seconds=2.0)
    assert Outcome.ACCEPTED not in {result.outcome for _, result in sent}
    assert after[-1].outcome == Outcome.ACCEPTED
    assert set(server.whole.values()) == {1}


def test_connections_without_room_are_left_when_pushes_wait_in_vain(identity):
    async def main():
        server = HostileServer(CLOSED["no stream allowed"], bad_connections=10_000)
        client = client_of(identity, await server.start(identity))
        try:
            sends = []
            for number in range(1, connecting.MOST_CONNECTIONS + 1):
                sends.append(asyncio.ensure_future(client.send(push(), 4)))
                while len(server.connections) < number:
                    await asyncio.sleep(0.01)
            results = await asyncio.gather(*sends)
            server.mend()
            return results, [await client.send(push(), 8) for _ in range(3)]
        finally:
            await client.close()
            await server.close()

    results, after = asyncio.run(main())
    assert {one.outcome for one in results} == {Outcome.NOT_SENT}
    assert {one.outcome for one in after} == {Outcome.ACCEPTED}


@pytest.mark.parametrize(
    "act", [lambda *_: None, lambda talker, *_: talker.transport.abort()]
)
def test_pushes_that_only_wait_on_a_bad_connection_go_by_another(identity, act):
    misdeed = Misdeed(act, greeting(max_concurrent_streams=1).greet)

    async def main():
        server = HostileServer(misdeed)
        client = client_of(identity, await server.start(identity))
        try:
            sends = (client.send(push(), 8) for _ in range(COUNT))
            results = await asyncio.gather(*sends)
            return Counter(result.outcome for result in results)
        finally:
            await client.close()
            await server.close()

    assert asyncio.run(main()) == {Outcome.UNKNOWN: 1, Outcome.ACCEPTED: COUNT - 1}


def test_what_asyncio_drops_at_the_end_of_a_connection_was_not_sent(identity):
    """The server ends its side just as answers bring new pushes, and reads on."""

    async def main():
        server = HostileServer(Misdeed(ended), bad_connections=10_000)
        client = client_of(identity, await server.start(identity))
        places, sent = asyncio.Semaphore(20), []

        async def send(one):
            async with places:
                sent.append((one, await client.send(one, 8)))

        try:
            await asyncio.gather(*(send(push()) for _ in range(400)))
            await asyncio.sleep(0.5)  # the server has read all there is
            return server, sent
        finally:
            await client.close()
            await server.close()

    server, sent = asyncio.run(main())
    assert len(server.connections) > 5
    check_truth(server, sent)


def test_a_connection_that_the_server_never_closes_is_gone_all_the_same(identity):
    async def main():
        server = HostileServer(each(leaving_unheard))
        client = client_of(identity, await server.start(identity))
        try:
            result = await client.send(push(), 5)
            (connection,) = client._connections._open
            await asyncio.wait_for(connection.gone.wait(), 10)
            return result
        finally:
            await client.close()
            await server.close()

    assert asyncio.run(main()).outcome == Outcome.ACCEPTED


def test_what_a_connection_in_farewell_owes_ends_with_the_client(identity):
    misdeed = each(lambda talker, _: talker.raw(GoAwayFrame(0, last_stream_id=LARGEST)))

    async def main():
        server = HostileServer(misdeed)
        client = client_of(identity, await server.start(identity))
        try:
            owed = asyncio.ensure_future(client.send(push(), 30))
            while not server.whole:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            after = await client.send(push(), 5)
            await client.close()
            return await asyncio.wait_for(owed, 5), after
        finally:
            await client.close()
            await server.close()

    owed, after = asyncio.run(main())
    assert (owed.outcome, after.outcome) == (Outcome.UNKNOWN, Outcome.ACCEPTED)


def test_a_push_that_found_no_connection_tells_what_became_of_the_last(identity):
    async def main():
        server = HostileServer(CLOSED["cut at once"], bad_connections=10_000)
        client = client_of(identity, await server.start(identity))
        try:
            return await client.send(push(), 8)
        finally:
            await client.close()
            await server.close()

    result = asyncio.run(main())
    assert result.outcome == Outcome.NOT_SENT
    assert "the connection was lost: " in result.detail


def test_a_server_that_closes_every_connection_is_not_dialled_without_pause(identity):
    misdeed = CLOSED["closed at once"]

    async def main():
        server = HostileServer(misdeed, bad_connections=10_000)
        client = client_of(identity, await server.start(identity))
        try:
            results = [await client.send(push(), 0.5) for _ in range(6)]
            return results, len(server.connections)
        finally:
            await client.close()
            await server.close()

    results, dialled = asyncio.run(main())
    assert {one.outcome for one in results} == {Outcome.NOT_SENT}
    # Doubling pauses: 0.05…0.1, 0.1…0.2, 0.2…0.4 s and so on.
    assert dialled <= 6
