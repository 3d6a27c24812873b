"""The 19 faults measured of stock aioapns 4.0, one to one: what proves that ours has none.

`PROOFS` names the test of each number; those of this file are below. All of them run over
real TLS and HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from notifications.apns import Client, Key, Outcome, Proxy, Server
from simulator.apns import ApnsServer
from simulator.faults import Fault
from tests.apns import GONE, REMOTE, Phones, client_of, push
from tests.notifications.apns import (
    test_client,
    test_connection,
    test_hostile_servers,
    test_strict_server,
)

JSON = b'{"reason":"Shutdown"}'


@pytest.fixture
def play(identity):
    """Run `scene(server, client)` against a fresh simulator."""

    def run(scene):
        async def main():
            server = ApnsServer(Phones(), identity)
            await server.start()
            client = client_of(identity, server.port)
            try:
                return await asyncio.wait_for(scene(server, client), 60)
            finally:
                await client.close()
                await server.close()

        return asyncio.run(main())

    return run


async def send_together(client, count: int, seconds: float = 10.0, **changes) -> list:
    sends = (client.send(push(**changes), seconds) for _ in range(count))
    return await asyncio.gather(*sends)


def outcomes(results: list) -> Counter:
    return Counter(result.outcome for result in results)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault("answer", body=JSON, with_apns_id=False), Outcome.REJECTED),
        (Fault("answer", status=502, body=b"<html>bad</html>"), Outcome.UNKNOWN),
        (Fault("answer", body=JSON, pieces=5), Outcome.REJECTED),
    ],
)
def test_an_odd_answer_harms_none_of_fifty_in_flight(play, fault, outcome):
    async def scene(server, client):
        await client.send(push(), 5)
        server.faults.add(fault)
        return await send_together(client, 51), server

    results, server = play(scene)
    assert outcomes(results) == {outcome: 1, Outcome.ACCEPTED: 50}
    assert set(server.received.values()) == {1}
    assert server.opened == 1


@pytest.fixture(scope="module")
def eleven_seconds(identity):
    """One client waits for a slow answer, one idles: aioapns' timer is 10 s."""

    async def main():
        server = ApnsServer(Phones(), identity)
        await server.start()
        slow, idle = (client_of(identity, server.port) for _ in range(2))
        try:
            before = await idle.send(push(), 5)
            server.faults.add(Fault("delay", seconds=11))
            late = await slow.send(push(REMOTE), 30)
            after = await idle.send(push(), 5)
            return server, late, [before, after]
        finally:
            await slow.close()
            await idle.close()
            await server.close()

    return asyncio.run(main())


def test_an_answer_after_eleven_seconds_is_waited_for(eleven_seconds):
    server, late, _ = eleven_seconds
    assert late.outcome == Outcome.ACCEPTED
    assert set(server.received.values()) == {1}


def test_an_idle_connection_and_its_provider_token_are_kept(eleven_seconds):
    server, _, results = eleven_seconds
    assert outcomes(results) == {Outcome.ACCEPTED: 2}
    assert server.opened == 2  # one a client


def test_a_silent_connection_is_found_and_replaced_though_pushes_keep_coming(play):
    async def scene(server, client):
        await client.send(push(), 5)
        server.faults.add(Fault("mute"))
        lost = asyncio.ensure_future(client.send(push(REMOTE), 30))
        results = []
        while not lost.done():
            results.append(asyncio.ensure_future(client.send(push(), 5)))
            await asyncio.sleep(0.5)
        return await lost, await asyncio.gather(*results), await client.send(push(), 5)

    lost, others, after = play(scene)
    assert lost.outcome == Outcome.UNKNOWN
    assert "silent" in lost.detail
    assert outcomes(others).keys() <= {Outcome.UNKNOWN, Outcome.ACCEPTED}
    assert others[-1].outcome == after.outcome == Outcome.ACCEPTED


def test_pushes_given_up_harm_no_other_when_the_connection_goes(play):
    async def scene(server, client):
        await client.send(push(), 5)
        server.faults.add(Fault("silent", times=100))
        given_up = [asyncio.ensure_future(client.send(push(), 9)) for _ in range(50)]
        waiting = [asyncio.ensure_future(client.send(push(), 9)) for _ in range(50)]
        await asyncio.sleep(0.3)
        for one in given_up:
            one.cancel()
        server.faults.script.clear()
        server.faults.add(Fault("drop"))
        cut = await client.send(push(), 5)
        return await asyncio.gather(*waiting), cut, await client.send(push(), 5)

    waiting, cut, after = play(scene)
    assert outcomes([*waiting, cut]) == {Outcome.UNKNOWN: 51}
    assert after.outcome == Outcome.ACCEPTED


def test_four_thousand_pushes_leave_every_slot_free_and_no_stream_behind(play):
    async def scene(server, client):
        results = []
        for _ in range(20):
            results += await send_together(client, 100, token=GONE)
            results += await send_together(client, 100)
        connections = client._connections._open
        streams = [len(one._exchange._http2.streams) for one in connections]
        return results, sum(len(one) for one in connections), max(streams)

    results, in_hand, streams = play(scene)
    assert outcomes(results) == {Outcome.REJECTED: 2000, Outcome.ACCEPTED: 2000}
    assert in_hand == 0
    assert streams < 300  # swept each 256 requests


def test_one_apns_id_twice_in_flight_gets_two_answers(play):
    async def scene(server, client):
        one = push()
        return await asyncio.gather(client.send(one, 5), client.send(one, 5))

    assert outcomes(play(scene)) == {Outcome.ACCEPTED: 2}


def test_more_pushes_than_streams_wait_their_turn(play):
    async def scene(server, client):
        server.faults.add(Fault("limit", streams=10))
        await client.send(push(), 5)
        return await send_together(client, 2000, 30), server

    results, server = play(scene)
    assert outcomes(results) == {Outcome.ACCEPTED: 2000}
    assert set(server.received.values()) == {1}


# Through a proxy


async def _refuse(reader, writer) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    await writer.drain()


async def _babble(reader, writer) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    await writer.drain()


async def _shout(reader, writer) -> None:
    writer.write(b"HTTP/1.1 403 \x00" + b"No" * 5000 + b"\r\n\r\n")


async def _stay_silent(reader, writer) -> None:
    await reader.read()


async def _connect(reader, writer) -> None:
    asked = (await reader.readuntil(b"\r\n\r\n")).decode()
    host, port = asked.split(" ")[1].split(":")
    # HTTP/1.0 and other words than aioapns waits for.
    writer.write(b"HTTP/1.0 200 OK\r\n\r\n")
    there, to = await asyncio.open_connection(host, int(port))
    await asyncio.gather(_copy(reader, to), _copy(there, writer))
    await to.wait_closed()


async def _copy(reader, writer) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@pytest.mark.parametrize(
    ("proxy", "outcome", "words"),
    [
        (_refuse, Outcome.NOT_SENT, "407"),
        (_shout, Outcome.NOT_SENT, "403"),
        (_babble, Outcome.NOT_SENT, "no HTTP"),
        (_stay_silent, Outcome.NOT_SENT, "no answer within"),
        (_connect, Outcome.ACCEPTED, ""),
    ],
)
def test_a_proxy_is_passed_or_its_refusal_told(identity, proxy, outcome, words):
    async def main():
        apns = ApnsServer(Phones(), identity)
        await apns.start()
        taken: list[asyncio.StreamWriter] = []

        async def take(reader, writer) -> None:
            taken.append(writer)
            await proxy(reader, writer)

        listener = await asyncio.start_server(take, "127.0.0.1", 0)
        way = Proxy("127.0.0.1", listener.sockets[0].getsockname()[1])
        server = Server("localhost", apns.port, identity.ca_pem, way)
        key = Key(identity.team_id, identity.key_id, identity.key_pem)
        client = Client(key, server)
        try:
            return [await client.send(push(), 1.5) for _ in range(2)]
        finally:
            await client.close()
            await apns.close()
            listener.close()
            for writer in taken:
                writer.close()
                await writer.wait_closed()

    results = asyncio.run(main())
    assert outcomes(results) == {outcome: 2}
    assert words in results[0].detail
    assert "\x00" not in results[0].detail  # PostgreSQL stores no such text


PROOFS = {
    1: test_client.test_three_thousand_error_bodies_on_one_connection_are_all_reported,
    2: test_connection.test_a_refused_stream_harms_no_other_and_can_be_sent_again,
    3: test_client.test_every_fault_of_the_server_has_a_true_outcome,
    4: test_client.test_every_fault_of_the_server_has_a_true_outcome,
    5: test_an_odd_answer_harms_none_of_fifty_in_flight,
    6: test_connection.test_goaway_leaves_earlier_pushes_their_answer_and_later_ones_not_sent,
    7: test_an_answer_after_eleven_seconds_is_waited_for,
    8: test_a_silent_connection_is_found_and_replaced_though_pushes_keep_coming,
    9: test_pushes_given_up_harm_no_other_when_the_connection_goes,
    10: test_client.test_a_burst_larger_than_the_flow_control_window_is_all_accepted,
    11: test_client.test_a_push_that_would_break_the_connection_is_never_made,
    12: test_strict_server.test_a_burst_on_a_new_connection_loses_nothing,
    13: test_connection.test_a_cut_is_unknown_whether_the_push_was_processed_or_not,
    14: test_an_idle_connection_and_its_provider_token_are_kept,
    15: test_four_thousand_pushes_leave_every_slot_free_and_no_stream_behind,
    16: test_one_apns_id_twice_in_flight_gets_two_answers,
    17: test_a_proxy_is_passed_or_its_refusal_told,
    18: test_more_pushes_than_streams_wait_their_turn,
    19: test_hostile_servers.test_what_never_left_is_told_so,
}


def test_each_of_the_nineteen_has_its_proof():
    assert [*PROOFS] == [*range(1, 20)]
