"""One provider token a key: signed once, renewed when Apple asks for it, never too soon."""

from __future__ import annotations

import asyncio

import pytest

from notifications.apns import Key, NotProcessed, Outcome, ProviderTokens
from notifications.apns.provider_token import OwnShelf
from simulator.apns import ApnsServer
from simulator.tls import make_identity
from tests.apns import Clock, Phones, client_of, push


@pytest.fixture
def key(identity):
    return Key(identity.team_id, identity.key_id, identity.key_pem)


def test_processes_with_one_shelf_send_one_token(key):
    shelf, clock = OwnShelf(), Clock()
    processes = [ProviderTokens(shelf, clock) for _ in range(4)]

    async def ask():
        return {await one.current(key) for one in processes for _ in range(3)}

    assert len(asyncio.run(ask())) == 1


@pytest.mark.parametrize(
    ("seconds", "tokens"), [(19 * 60, 1), (49 * 60, 1), (50 * 60, 2), (-3600, 2)]
)
def test_it_is_renewed_at_fifty_minutes_and_when_the_clock_is_set_back(
    key, seconds, tokens
):
    clock = Clock()
    mine = ProviderTokens(OwnShelf(), clock)

    async def ask():
        first = await mine.current(key)
        clock.now += seconds
        return {first, await mine.current(key)}

    assert len(asyncio.run(ask())) == tokens


@pytest.mark.parametrize(("minutes", "is_new"), [(5, False), (19, False), (21, True)])
def test_a_refused_token_is_renewed_only_when_it_is_twenty_minutes_old(
    key, minutes, is_new
):
    clock = Clock()
    mine = ProviderTokens(OwnShelf(), clock)

    async def ask():
        first = await mine.current(key)
        clock.now += minutes * 60
        asked = [mine.renewed(key, first) for _ in range(20)]
        return first, set(await asyncio.gather(*asked))

    first, renewed = asyncio.run(ask())
    assert len(renewed) == 1
    assert (renewed != {first}) == is_new


def test_a_false_key_under_the_same_id_does_not_take_the_true_ones_token(key, tmp_path):
    false = Key(key.team_id, key.key_id, make_identity(tmp_path).key_pem)
    mine = ProviderTokens(OwnShelf(), Clock())

    async def ask():
        return await mine.current(key), await mine.current(false)

    assert len(set(asyncio.run(ask()))) == 2


def test_a_key_that_cannot_sign_says_so():
    with pytest.raises(NotProcessed, match="cannot sign"):
        asyncio.run(ProviderTokens().current(Key("T", "K", "no key")))


def test_an_expired_token_is_renewed_once_for_all_who_were_refused(identity):
    """The server's clock runs 35 minutes ahead: a 30-minute-old token is 65 there."""
    ours, theirs = Clock(), Clock()

    async def main():
        server = ApnsServer(Phones(), identity, clock=theirs)
        await server.start()
        client = client_of(identity, server.port, tokens=ProviderTokens(clock=ours))
        try:
            first = await client.send(push(), 5)
            ours.now += 30 * 60
            theirs.now += 65 * 60
            more = [client.send(push(), 5) for _ in range(50)]
            refused = await asyncio.gather(*more)
            return first, refused, await client.send(push(), 5), server.provider_tokens
        finally:
            await client.close()
            await server.close()

    first, refused, after, tokens = asyncio.run(main())
    assert {first.outcome, after.outcome} == {Outcome.ACCEPTED}
    assert {(one.reason, one.is_renewed) for one in refused} == {
        ("ExpiredProviderToken", True)
    }
    assert len(tokens) == 2


def test_a_clock_two_hours_slow_is_refused_and_mints_no_second_token(identity):
    ours, theirs = Clock(), Clock()
    theirs.now += 2 * 3600

    async def main():
        server = ApnsServer(Phones(), identity, clock=theirs)
        await server.start()
        client = client_of(identity, server.port, tokens=ProviderTokens(clock=ours))
        try:
            sent = [await client.send(push(), 5) for _ in range(3)]
            return sent, server.received, server.provider_tokens
        finally:
            await client.close()
            await server.close()

    sent, received, tokens = asyncio.run(main())
    assert {(one.reason, one.is_renewed) for one in sent} == {
        ("ExpiredProviderToken", False)
    }
    assert {result.outcome for result in sent} == {Outcome.REJECTED}
    assert len(tokens) == 1
    assert set(received.values()) == {1}
