"""When a quiet APNs is asked whether it still listens, and when it is left."""

from __future__ import annotations

import asyncio

from notifications.apns import Outcome, exchange
from notifications.apns.errors import Lost
from notifications.apns.exchange import STALE_SECONDS
from simulator.apns import ApnsServer
from tests.apns import Phones, client_of, push
from tests.notifications.apns.test_exchange import Talk, is_status


def test_a_silent_connection_is_asked_after_three_seconds_and_left_after_eight():
    talk = Talk().shake_hands()
    stream_id = talk.push()
    talk.up()
    talk.now += 3
    assert talk.exchange.tick(talk.now) == []
    assert not talk.exchange.is_doubtful(talk.now)
    talk.now += 1.1
    assert talk.exchange.is_doubtful(talk.now)
    talk.now += 3.9
    ((ended, how),) = talk.exchange.tick(talk.now)
    assert ended == stream_id
    assert isinstance(how, Lost)
    assert talk.exchange.is_leaving


def test_after_a_long_quiet_a_ping_is_answered_before_a_push_begins():
    talk = Talk().shake_hands()
    talk.now += STALE_SECONDS - 0.1
    assert not talk.exchange.is_stale(talk.now)
    talk.now += 0.1
    assert talk.exchange.is_stale(talk.now)
    talk.exchange.ask(talk.now)
    talk.exchange.ask(talk.now)  # one PING, not two
    assert talk.exchange.data_to_send().count(b"pushdash") == 1


def test_an_idle_server_that_leaves_a_ping_unanswered_is_left_after_a_second():
    talk = Talk().shake_hands()
    talk.now += STALE_SECONDS
    talk.exchange.ask(talk.now)
    talk.now += 0.9
    assert talk.exchange.tick(talk.now) == []
    assert not talk.exchange.is_leaving
    talk.now += 0.2
    assert talk.exchange.tick(talk.now) == []
    assert talk.exchange.is_leaving


def test_a_slow_server_that_answers_ping_is_waited_for():
    talk = Talk().shake_hands()
    stream_id = talk.push()
    for _ in range(60):
        talk.now += 1
        assert talk.exchange.tick(talk.now) == []
        talk.up()
        talk.down()
    talk.answer(stream_id)
    assert is_status(talk.down()[stream_id], 200)


class Wire:
    """A TCP relay that can be cut so that neither side is told: a lost NAT entry."""

    def __init__(self, port: int) -> None:
        self._port, self._writers = port, []
        self.is_cut = False

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _relay(self, reader, writer) -> None:
        # One that is dialled later takes a new way.
        is_old = not self.is_cut
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, far_writer]
        await asyncio.gather(
            self._carry(reader, far_writer, is_old),
            self._carry(far_reader, writer, is_old),
        )

    async def _carry(self, reader, writer, is_old: bool) -> None:
        while data := await reader.read(65536):
            if not (is_old and self.is_cut):
                writer.write(data)
        writer.close()


def test_a_call_after_a_long_quiet_is_not_lost_on_a_dead_connection(
    identity, monkeypatch
):
    monkeypatch.setattr(exchange, "STALE_SECONDS", 0.3)

    async def main():
        phones = Phones()
        server = ApnsServer(phones, identity)
        await server.start()
        async with Wire(server.port) as wire:
            client = client_of(identity, wire.port)
            try:
                first = await client.send(push(), 5)
                await asyncio.sleep(0.4)
                proven = await client.send(push(), 5)
                wire.is_cut = True
                await asyncio.sleep(0.4)
                late = [client.send(push(), 5) for _ in range(3)]
                return [first, proven, *await asyncio.gather(*late)], server.opened
            finally:
                await client.close()
                await server.close()

    results, opened = asyncio.run(main())
    assert [one.outcome for one in results] == [Outcome.ACCEPTED] * 5
    assert opened == 2
