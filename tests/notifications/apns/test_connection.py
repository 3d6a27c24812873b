"""What happens to pushes on their way when their connection ends."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from notifications.apns import Client, Key, Outcome, Server, connection
from notifications.apns.connecting import MOST_CONNECTIONS
from simulator.apns import ApnsServer
from simulator.faults import Fault
from tests.apns import Phones, client_of, push


@pytest.fixture
def play(identity):
    """Run `scene(server, phones, client)`, warmed up by one accepted push."""

    def run(scene):
        async def main():
            phones = Phones()
            server = ApnsServer(phones, identity)
            await server.start()
            client = client_of(identity, server.port)
            try:
                await client.send(push(), 5)
                return await asyncio.wait_for(scene(server, phones, client), 60)
            finally:
                await client.close()
                await server.close()

        return asyncio.run(main())

    return run


async def send_together(client, count: int) -> list:
    pushes = [push() for _ in range(count)]
    results = await asyncio.gather(*(client.send(one, 5) for one in pushes))
    return list(zip(pushes, results, strict=True))


def outcomes(sent: list) -> Counter:
    return Counter(result.outcome for _, result in sent)


def test_goaway_leaves_earlier_pushes_their_answer_and_later_ones_not_sent(play):
    async def scene(server, phones, client):
        server.faults.add(Fault("delay", times=5, seconds=0.2))
        server.faults.add(Fault("goaway"))
        sent = await send_together(client, 8)
        return (
            sent,
            {one.apns_id for one in phones.delivered},
            await client.send(push(), 5),
        )

    sent, delivered, after = play(scene)
    assert outcomes(sent) == {Outcome.ACCEPTED: 5, Outcome.NOT_SENT: 3}
    for one, result in sent:
        assert (one.apns_id in delivered) == (result.outcome == Outcome.ACCEPTED)
    assert after.outcome == Outcome.ACCEPTED


@pytest.mark.parametrize(("is_processed", "delivered"), [(False, 0), (True, 1)])
def test_a_cut_is_unknown_whether_the_push_was_processed_or_not(
    play, is_processed, delivered
):
    async def scene(server, phones, client):
        before = len(phones.delivered)
        server.faults.add(Fault("silent", times=20))
        server.faults.add(Fault("drop", is_processed=is_processed))
        sent = await send_together(client, 21)
        return sent, len(phones.delivered) - before, server.received

    sent, reached, received = play(scene)
    assert outcomes(sent) == {Outcome.UNKNOWN: 21}
    assert reached == delivered
    assert {received[one.apns_id] for one, _ in sent} <= {0, 1}


def test_a_refused_stream_harms_no_other_and_can_be_sent_again(play):
    async def scene(server, phones, client):
        server.faults.add(Fault("reset", code=7, times=3))
        sent = await send_together(client, 20)
        refused = [one for one, result in sent if result.outcome == Outcome.NOT_SENT]
        return sent, [await client.send(one, 5) for one in refused]

    sent, again = play(scene)
    assert outcomes(sent) == {Outcome.NOT_SENT: 3, Outcome.ACCEPTED: 17}
    assert [result.outcome for result in again] == [Outcome.ACCEPTED] * 3


def test_a_server_that_comes_back_is_found_again(identity):
    async def main():
        first = ApnsServer(Phones(), identity)
        await first.start()
        client = client_of(identity, first.port)
        results = [await client.send(push(), 5)]
        await first.close()
        results.append(await client.send(push(), 5))
        second = ApnsServer(Phones(), identity)
        await second.start(port=first.port)
        results.append(await client.send(push(), 5))
        await client.close()
        await second.close()
        return [result.outcome for result in results]

    accepted, gone, back = asyncio.run(main())
    assert accepted == back == Outcome.ACCEPTED
    assert gone in {Outcome.NOT_SENT, Outcome.UNKNOWN}


def test_a_server_that_never_speaks_http2_is_not_sent_and_nothing_hangs(identity):
    async def main():
        open_ones = []
        server = await asyncio.start_server(
            lambda _, writer: open_ones.append(writer), "127.0.0.1", 0
        )
        port = server.sockets[0].getsockname()[1]
        try:
            client = client_of(identity, port)
            sends = (client.send(push(), 0.5) for _ in range(10))
            return await asyncio.gather(*sends)
        finally:
            for writer in open_ones:
                writer.close()
                await writer.wait_closed()
            server.close()

    assert {result.outcome for result in asyncio.run(main())} == {Outcome.NOT_SENT}


def test_a_thousand_abandoned_pushes_leave_every_stream_free(play):
    async def scene(server, phones, client):
        server.faults.add(Fault("silent", times=1000))
        abandoned = [client.send(push(), 1.0) for _ in range(1000)]
        lost = await asyncio.gather(*abandoned)
        server.faults.script.clear()
        return lost, await send_together(client, 300)

    lost, sent = play(scene)
    assert {result.outcome for result in lost} <= {Outcome.UNKNOWN, Outcome.NOT_SENT}
    assert outcomes(sent) == {Outcome.ACCEPTED: 300}


def test_a_connection_that_cannot_be_written_to_is_passed_over(play):
    async def scene(server, phones, client):
        (stuffed,) = client._connections._open
        stuffed.pause_writing()
        results = [await client.send(push(), 5)]
        stuffed.resume_writing()
        return [*results, await client.send(push(), 5)], server.opened

    results, opened = play(scene)
    assert [result.outcome for result in results] == [Outcome.ACCEPTED] * 2
    assert opened == 2


def test_a_server_that_does_not_read_is_left_even_if_it_goes_on_talking(
    play, monkeypatch
):
    monkeypatch.setattr(connection, "DEAF_SECONDS", 0.1)

    async def scene(server, phones, client):
        (stuffed,) = client._connections._open
        stuffed.pause_writing()
        await asyncio.wait_for(stuffed.gone.wait(), 5)
        return await client.send(push(), 5)

    assert play(scene).outcome == Outcome.ACCEPTED


def test_a_push_that_was_begun_and_not_written_when_the_connection_closed(play):
    async def scene(server, phones, client):
        (closing,) = client._connections._open
        begun = asyncio.ensure_future(client.send(push(), 5))
        while not len(closing):
            await asyncio.sleep(0)
        closing.close()
        return await begun, len(phones.delivered)

    result, delivered = play(scene)
    assert (result.outcome, delivered) == (Outcome.NOT_SENT, 1)


def test_closing_the_client_ends_a_dial_under_way(identity):
    async def main():
        writers = asyncio.Queue()
        server = await asyncio.start_server(
            lambda _, writer: writers.put_nowait(writer), "127.0.0.1", 0
        )
        client = client_of(identity, server.sockets[0].getsockname()[1])
        send = asyncio.ensure_future(client.send(push(), 5))
        writer = await writers.get()  # which does not speak TLS
        await client.close()
        result = await send
        left = asyncio.all_tasks() - {asyncio.current_task()}
        writer.close()
        await writer.wait_closed()
        server.close()
        return result, left

    result, left = asyncio.run(main())
    assert (result.outcome, left) == (Outcome.NOT_SENT, set())
    assert "the client was closed" in result.detail


def test_a_push_that_no_dial_was_in_time_for_tells_what_the_dials_failed_for(identity):
    async def main():
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        client = client_of(identity, server.sockets[0].getsockname()[1])
        server.close()
        await server.wait_closed()
        return [await client.send(push(), 0.3) for _ in range(10)]

    results = asyncio.run(main())
    assert {result.outcome for result in results} == {Outcome.NOT_SENT}
    details = [result.detail for result in results]
    # Pauses between dials double: some pushes end while none is under way.
    assert any(detail.startswith("not sent: no answer within") for detail in details)
    assert all("Connect call failed" in detail for detail in details)


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example", "", "a\x00b"])
def test_a_host_that_is_no_name_is_not_sent(identity, host):
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    client = Client(key, Server(host, 443, identity.ca_pem))
    assert asyncio.run(client.send(push(), 5)).outcome == Outcome.NOT_SENT


def test_a_ca_file_that_is_none_is_not_sent(identity):
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    client = Client(key, Server("localhost", 443, "no CA: ö"))
    result = asyncio.run(client.send(push(), 5))
    assert result.outcome == Outcome.NOT_SENT
    assert "CA file" in result.detail


def test_no_more_than_four_connections_are_opened_and_none_of_their_pushes_is_lost(
    play,
):
    async def scene(server, phones, client):
        def stuff() -> list:
            for one in client._connections._open:
                one.pause_writing()
            return client._connections._open

        for _ in range(MOST_CONNECTIONS - 1):
            stuff()
            await client.send(push(), 5)
        stuffed = stuff()
        late = [asyncio.ensure_future(client.send(push(), 10)) for _ in range(20)]
        await asyncio.sleep(0.3)
        number = len(client._connections._open), server.opened
        for one in stuffed:
            one.resume_writing()
        return number, await asyncio.gather(*late)

    number, results = play(scene)
    assert number == (MOST_CONNECTIONS, MOST_CONNECTIONS)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
