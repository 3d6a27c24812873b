"""A server that keeps Apple's rules of provider tokens to the letter."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from notifications.apns import Outcome, ProviderTokens
from simulator.apns import ApnsServer
from tests.apns import Clock, Phones, client_of, push


@pytest.fixture
def play(identity):
    """Run `scene(server, client, ours, theirs)`: the clocks of both sides."""

    def run(scene):
        async def main():
            ours, theirs = Clock(), Clock()
            server = ApnsServer(Phones(), identity, clock=theirs, is_strict=True)
            await server.start()
            client = client_of(identity, server.port, ProviderTokens(clock=ours))
            try:
                return await asyncio.wait_for(scene(server, client, ours, theirs), 60)
            finally:
                await client.close()
                await server.close()

        return asyncio.run(main())

    return run


def test_a_burst_on_a_new_connection_loses_nothing(play):
    async def scene(server, client, ours, theirs):
        sends = [client.send(push(), 10) for _ in range(100)]
        return await asyncio.gather(*sends), server.received

    results, received = play(scene)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert Counter(received.values()) == {1: 100}


def test_a_key_that_is_refused_never_gets_a_second_stream(identity):
    async def main():
        server = ApnsServer(Phones(), identity, is_strict=True)
        await server.start()
        client = client_of(identity, server.port, team_id="OTHER12345")
        try:
            sends = [client.send(push(), 10) for _ in range(20)]
            return await asyncio.gather(*sends)
        finally:
            await client.close()
            await server.close()

    reasons = {result.reason for result in asyncio.run(main())}
    assert reasons == {"InvalidProviderToken"}


def test_a_token_that_expires_in_flight_is_renewed_and_nothing_is_lost_untold(
    play,
):
    async def scene(server, client, ours, theirs):
        first = await client.send(push(), 10)
        ours.now += 30 * 60
        theirs.now += 65 * 60
        wanted = [push() for _ in range(50)]
        results = await asyncio.gather(*(client.send(one, 10) for one in wanted))
        await client.send(push(), 10)
        delivered = [one.apns_id for one in server.directory.delivered]
        return first, list(zip(wanted, results, strict=True)), delivered, server

    first, sent, delivered, server = play(scene)
    assert first.outcome == Outcome.ACCEPTED
    for one, result in sent:
        assert (
            result.outcome in {Outcome.ACCEPTED, Outcome.NOT_SENT} or result.is_renewed
        )
        is_accepted = result.outcome == Outcome.ACCEPTED
        assert delivered.count(one.apns_id) == is_accepted
    assert len(server.provider_tokens) == 2


def test_pushes_that_wait_for_a_stream_leave_with_the_newest_token(play):
    async def scene(server, client, ours, theirs):
        ours.now -= 30 * 60
        await client._proof.refresh()
        ours.now += 30 * 60
        theirs.now += 35 * 60  # the token we have is past its hour there
        sends = [client.send(push(), 10) for _ in range(200)]
        return await asyncio.gather(*sends), server

    results, server = play(scene)
    accepted = sum(one.outcome == Outcome.ACCEPTED for one in results)
    assert accepted + sum(one.is_renewed for one in results) == 200
    # Only those sent before the first was answered met the old one.
    old, new = server.provider_tokens.values()
    assert old < 20
    assert (old, new) == (200 - accepted, accepted)


def test_a_second_token_within_twenty_minutes_is_a_429_and_mints_no_third(
    identity, play
):
    async def scene(server, client, ours, theirs):
        other = client_of(identity, server.port, ProviderTokens(clock=ours))
        first = await client.send(push(), 5)
        ours.now += 60
        try:
            second = [await other.send(push(), 5) for _ in range(3)]
        finally:
            await other.close()
        return first, second, await client.send(push(), 5), server.provider_tokens

    first, second, again, tokens = play(scene)
    assert first.outcome == again.outcome == Outcome.ACCEPTED
    assert {one.reason for one in second} == {"TooManyProviderTokenUpdates"}
    assert len(tokens) == 2
