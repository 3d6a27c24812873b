"""What the simulated APNs does over several requests and connections: keys, rates, SETTINGS,
windows, idle time. Asked by our client, which must come to no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from notifications.apns import Client, Key, Outcome, Result, Server
from simulator.apns import ApnsServer, Limits, keys_of
from simulator.checks import Keys
from simulator.faults import Fault
from simulator.tls import make_identity
from tests.apns import REMOTE, Clock, Phones, client_of, push

OTHER_TEAM, SAME_TEAM, SANDBOX_KEY = "OTHERTEAM1", "KEYSAME123", "KEYSANDBOX"


@pytest.fixture
def play(identity):
    """Run `scene(server, client)` against a server made as the options say."""

    def run(scene, **options):
        async def main():
            server = ApnsServer(Phones(), identity, **options)
            await server.start()
            client = client_of(identity, server.port)
            try:
                return await asyncio.wait_for(scene(server, client), 60)
            finally:
                await client.close()
                await server.close()

        return asyncio.run(main())

    return run


@pytest.fixture
def keys(identity):
    """The identity's key under four names: a second team, a second key, one for sandbox."""
    ((key_id, (team_id, public)),) = keys_of(identity).by_id.items()
    names = {
        key_id: (team_id, public),
        "KEYOTHER12": (OTHER_TEAM, public),
        SAME_TEAM: (team_id, public),
        SANDBOX_KEY: (team_id, public),
    }
    return Keys(names, {SANDBOX_KEY: "sandbox"})


def outcomes(results: list[Result]) -> Counter:
    return Counter(result.outcome for result in results)


async def on_one_connection(server, identity, *keys: dict) -> list[str]:
    """A push a key, all on the connection of the first."""
    clients = [client_of(identity, server.port, **key) for key in keys]
    reasons = [(await clients[0].send(push(), 5)).reason]
    for client in clients[1:]:
        client._connections = clients[0]._connections
        reasons.append((await client.send(push(), 5)).reason)
    await clients[0].close()
    return reasons


def test_34_a_second_team_on_a_connection_is_invalid(play, identity, keys):
    async def scene(server, _):
        other = {"team_id": OTHER_TEAM, "key_id": "KEYOTHER12"}
        return await on_one_connection(server, identity, {}, other, {})

    assert play(scene, keys=keys) == ["", "InvalidProviderToken", ""]


def test_40_a_second_key_on_a_connection_is_unrelated(play, identity, keys):
    async def scene(server, _):
        return await on_one_connection(server, identity, {}, {"key_id": SAME_TEAM})

    assert play(scene, keys=keys) == ["", "UnrelatedKeyIdInToken"]


def test_40_a_key_of_the_other_environment_is_told(play, identity, keys):
    async def scene(server, _):
        return await on_one_connection(server, identity, {"key_id": SANDBOX_KEY})

    assert play(scene, keys=keys) == ["BadEnvironmentKeyIdInToken"]


def test_39_one_provider_token_is_good_on_ten_connections(play, identity):
    async def scene(server, client):
        await client._proof.refresh()
        token = client._proof.newest()
        clients = [
            client_of(identity, server.port, client._proof._tokens) for _ in range(10)
        ]
        results = await asyncio.gather(*(one.send(push(), 5) for one in clients))
        await asyncio.gather(*(one.close() for one in clients))
        return results, server, token

    results, server, token = play(scene, is_strict=True)
    assert outcomes(results) == {Outcome.ACCEPTED: 10}
    assert server.opened == 10
    assert dict(server.provider_tokens) == {f"bearer {token}": 10}


def test_41_a_revoked_key_is_invalid_until_it_is_given_back(play):
    async def scene(server, client):
        results = [await client.send(push(), 5)]
        server.keys.revoked.update(server.keys.by_id)
        results.append(await client.send(push(), 5))
        server.keys.revoked.clear()
        return [one.reason for one in [*results, await client.send(push(), 5)]]

    assert play(scene) == ["", "InvalidProviderToken", ""]


def test_45_a_token_registered_again_is_accepted_again(play):
    async def scene(server, client):
        entries = server.directory.entries
        valid = entries[REMOTE]
        gone = type(valid)(
            environment=valid.environment,
            bundle_id=valid.bundle_id,
            kind=valid.kind,
            status="unregistered",
            since_ms=1_790_000_000_000,
        )
        entries[REMOTE] = gone
        first = await client.send(push(REMOTE), 5)
        entries[REMOTE] = valid
        return first, await client.send(push(REMOTE), 5)

    first, second = play(scene)
    assert (first.status, second.status) == (410, 200)
    assert first.gone_since.timestamp() == 1_790_000_000


def test_46_too_many_pushes_a_second_to_one_token_are_refused(play):
    async def scene(server, client):
        results = [await client.send(push(), 5) for _ in range(4)]
        results.append(await client.send(push(REMOTE), 5))
        server.clock.now += 1
        return [one.reason for one in [*results, await client.send(push(), 5)]]

    # The clock of provider tokens runs too: it must be near the client's.
    clock = Clock()
    clock.now = time.time()
    reasons = play(scene, clock=clock, limits=Limits(pushes_a_second=3))
    assert reasons == ["", "", "", "TooManyRequests", "", ""]


def test_61_an_idle_connection_is_told_goodbye_and_the_next_push_opens_another(play):
    async def scene(server, client):
        first = await client.send(push(), 5)
        await asyncio.sleep(0.5)
        return first, await client.send(push(), 5), server.opened

    first, second, opened = play(scene, limits=Limits(idle_seconds=0.2))
    assert first.outcome == second.outcome == Outcome.ACCEPTED
    assert opened == 2


def test_65_one_stream_until_a_token_was_accepted_then_a_thousand(play):
    async def scene(server, client):
        results = await asyncio.gather(*(client.send(push(), 10) for _ in range(300)))
        limits = [
            one._exchange._http2.remote_settings.max_concurrent_streams
            for one in client._connections._open
        ]
        return results, limits, server.received

    results, limits, received = play(scene, is_strict=True)
    assert outcomes(results) == {Outcome.ACCEPTED: 300}
    assert 1000 in limits
    assert set(received.values()) == {1}


def test_66_a_limit_lowered_with_pushes_in_flight_harms_none(play):
    async def scene(server, client):
        await client.send(push(), 5)
        server.faults.add(Fault("delay", seconds=0.3, times=200))
        early = [asyncio.ensure_future(client.send(push(), 20)) for _ in range(200)]
        await asyncio.sleep(0.1)
        server.faults.script.clear()
        server.faults.add(Fault("limit", streams=100))
        late = [client.send(push(), 20) for _ in range(300)]
        return await asyncio.gather(*early, *late)

    assert outcomes(play(scene)) == {Outcome.ACCEPTED: 500}


@pytest.mark.parametrize("processed", [0, 25, 50])
def test_62_a_cut_with_fifty_in_flight_leaves_each_unknown_and_none_sent_twice(
    play, processed
):
    async def scene(server, client):
        await client.send(push(), 5)
        delivered = len(server.directory.delivered)
        server.faults.add(Fault("silent", times=min(processed, 49), is_processed=True))
        server.faults.add(Fault("silent", times=49 - min(processed, 49)))
        server.faults.add(Fault("drop", is_processed=processed == 50))
        results = await asyncio.gather(*(client.send(push(), 5) for _ in range(50)))
        return results, server, len(server.directory.delivered) - delivered

    results, server, delivered = play(scene)
    assert outcomes(results) == {Outcome.UNKNOWN: 50}
    assert {result.detail for result in results} != {""}
    assert (len(server.received), set(server.received.values())) == (51, {1})
    assert delivered == processed


@pytest.mark.parametrize("count", [100, 300])
def test_67_windows_given_back_only_with_the_answer_are_waited_for(play, count):
    async def scene(server, client):
        big = {"aps": {}, "text": "x" * 4000}
        server.faults.add(Fault("delay", seconds=0.05, times=count))
        sends = (client.send(push(REMOTE, payload=big), 30) for _ in range(count))
        results = await asyncio.gather(*sends)
        in_hand = sum(len(one) for one in client._connections._open)
        return results, in_hand, await client.send(push(), 5)

    results, in_hand, after = play(scene, limits=Limits(is_lazy=True))
    assert outcomes(results) == {Outcome.ACCEPTED: count}
    assert (in_hand, after.outcome) == (0, Outcome.ACCEPTED)


def test_70_connections_opened_too_fast_are_refused_and_logged(play, identity, caplog):
    async def scene(server, _):
        results = []
        for _ in range(4):
            client = client_of(identity, server.port)
            results.append((await client.send(push(), 1)).outcome)
            await client.close()
        return results

    results = play(scene, limits=Limits(connections_a_minute=3))
    assert results == [Outcome.ACCEPTED] * 3 + [Outcome.NOT_SENT]
    assert "denial of service" in caplog.text


def test_64_a_certificate_of_another_name_or_another_ca_is_not_sent_to(
    identity, tmp_path
):
    async def main():
        server = ApnsServer(Phones(), identity)
        # The certificate names localhost and 127.0.0.1.
        await server.start("127.0.0.2")
        try:
            results = []
            for ca in (identity.ca_pem, make_identity(tmp_path).ca_pem):
                key = Key(identity.team_id, identity.key_id, identity.key_pem)
                client = Client(key, Server("127.0.0.2", server.port, ca))
                results.append(await client.send(push(), 5))
                await client.close()
            return results, server.received
        finally:
            await server.close()

    results, received = asyncio.run(main())
    assert {result.outcome for result in results} == {Outcome.NOT_SENT}
    assert all("certificate" in result.detail for result in results)
    assert "127.0.0.2" in results[0].detail
    assert not received


def test_64_a_server_that_refuses_the_handshake_is_not_sent_to(identity):
    async def refuse(reader, writer):
        await reader.read(100)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x28")  # alert: handshake_failure
        writer.close()

    async def main():
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        client = client_of(identity, server.sockets[0].getsockname()[1])
        try:
            return await client.send(push(), 5)
        finally:
            await client.close()
            server.close()

    result = asyncio.run(main())
    assert result.outcome == Outcome.NOT_SENT
    assert "handshake" in result.detail.lower()
