"""What the client says of a push, against the simulator over real TLS and HTTP/2."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from notifications.apns import BadPush, Client, Key, Outcome, Result, Server
from simulator.apns import ApnsServer
from simulator.faults import Fault
from simulator.tls import make_identity
from tests.apns import GONE, REMOTE, VOIP, Phones, client_of, push

Scene = Callable[[ApnsServer, Phones, object], Awaitable[object]]


@pytest.fixture
def play(identity):
    """Run a scene against a fresh server and client."""

    def run(scene: Scene, **key):
        async def main():
            phones = Phones()
            server = ApnsServer(phones, identity)
            await server.start()
            client = client_of(identity, server.port, **key)
            try:
                return await asyncio.wait_for(scene(server, phones, client), 60)
            finally:
                await client.close()
                await server.close()

        return asyncio.run(main())

    return run


def send_one(play, *faults: Fault, deadline: float = 5.0, **changes):
    async def scene(server, phones, client):
        for fault in faults:
            server.faults.add(fault)
        wanted = push(**changes)
        result = await client.send(wanted, deadline)
        return result, server.received[wanted.apns_id], len(phones.delivered)

    return play(scene)


def test_an_accepted_push_reaches_the_phone_once(play):
    result, received, delivered = send_one(play)
    assert (result.outcome, result.status) == (Outcome.ACCEPTED, 200)
    assert (received, delivered) == (1, 1)


def test_a_gone_token_says_since_when(play):
    result, _, delivered = send_one(play, token=GONE)
    assert (result.outcome, result.status) == (Outcome.REJECTED, 410)
    assert result.reason == "Unregistered"
    assert result.gone_since.timestamp() == 1_700_000_000
    assert delivered == 0


def test_an_unknown_token_is_a_bad_device_token(play):
    result, _, _ = send_one(play, token="ab" * 40)
    assert result.reason == "BadDeviceToken"


def test_a_wrong_topic_is_named(play):
    result, _, _ = send_one(play, token=REMOTE, topic="org.example.other")
    assert result.reason == "DeviceTokenNotForTopic"


def test_a_key_of_another_team_is_refused(play):
    async def scene(server, phones, client):
        return await client.send(push(), 5)

    assert play(scene, team_id="OTHERTEAM1").reason == "InvalidProviderToken"
    assert play(scene, key_id="OTHERKEY12").reason == "InvalidProviderToken"


@pytest.mark.parametrize(
    ("fault", "outcome", "reason"),
    [
        (Fault("answer", body=b'{"reason":"Shutdown"}'), "rejected", "Shutdown"),
        (Fault("answer"), "rejected", "ServiceUnavailable"),
        (Fault("answer", status=429), "rejected", "TooManyRequests"),
        (
            Fault("answer", body=b'{"reason":"Shutdown"}', pieces=4),
            "rejected",
            "Shutdown",
        ),
        (
            Fault("answer", body=b'{"reason":"Shutdown"}', with_apns_id=False),
            "rejected",
            "Shutdown",
        ),
        (Fault("answer", status=502, body=b"<html>bad</html>"), "unknown", ""),
        (Fault("answer", status=500), "unknown", ""),
        (
            Fault("answer", status=500, body=b'{"reason":"InternalServerError"}'),
            "unknown",
            "InternalServerError",
        ),
        (Fault("answer", status=200, with_apns_id=False), "accepted", ""),
        (Fault("reset", code=7), "not_sent", ""),
        (Fault("reset", code=2), "unknown", ""),
        (Fault("goaway"), "not_sent", ""),
        (Fault("drop"), "unknown", ""),
    ],
)
def test_every_fault_of_the_server_has_a_true_outcome(play, fault, outcome, reason):
    result, received, _ = send_one(play, fault)
    assert (result.outcome.value, result.reason) == (outcome, reason)
    assert received == 1, "never sent a second time by itself"


def test_a_slow_answer_is_unknown_and_harms_no_other_push(play):
    async def scene(server, phones, client):
        server.faults.add(Fault("delay", seconds=1.0))
        slow = asyncio.ensure_future(client.send(push(), 0.3))
        await asyncio.sleep(0.05)
        others = await asyncio.gather(*(client.send(push(), 5) for _ in range(50)))
        result = await slow
        await asyncio.sleep(1.0)
        late = await client.send(push(), 5)
        return result, others, late

    result, others, late = play(scene)
    assert result.outcome == Outcome.UNKNOWN
    assert {other.outcome for other in [*others, late]} == {Outcome.ACCEPTED}


def test_a_cut_connection_leaves_what_had_left_unknown_and_sends_nothing_twice(play):
    async def scene(server, phones, client):
        await client.send(push(), 5)
        server.faults.add(Fault("silent", times=20))
        server.faults.add(Fault("drop"))
        results = await asyncio.gather(*(client.send(push(), 5) for _ in range(21)))
        return results, max(server.received.values()), await client.send(push(), 5)

    results, most, after = play(scene)
    assert {result.outcome for result in results} == {Outcome.UNKNOWN}
    assert most == 1
    assert after.outcome == Outcome.ACCEPTED


def test_three_thousand_error_bodies_on_one_connection_are_all_reported(play):
    async def scene(server, phones, client):
        await client.send(push(GONE), 10)  # alone, or others might open a second one
        results: list[Result] = []
        for _ in range(30):
            sends = (client.send(push(GONE), 10) for _ in range(100))
            results += await asyncio.gather(*sends)
        return results, server.opened

    results, opened = play(scene)
    assert [result.reason for result in results] == ["Unregistered"] * 3000
    assert opened == 1


def test_a_burst_larger_than_the_flow_control_window_is_all_accepted(play):
    async def scene(server, phones, client):
        big = {"aps": {}, "text": "x" * 4000}
        sends = (client.send(push(REMOTE, payload=big), 20) for _ in range(200))
        return await asyncio.gather(*sends), len(phones.delivered)

    results, delivered = play(scene)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert delivered == 200


def test_a_server_that_is_gone_means_not_sent(identity):
    async def main():
        return await client_of(identity, 1).send(push(), 5)

    result = asyncio.run(main())
    assert result.outcome == Outcome.NOT_SENT
    assert "localhost" in result.detail


def test_an_untrusted_certificate_means_not_sent(identity, tmp_path):
    other = make_identity(tmp_path)

    async def main():
        server = ApnsServer(Phones(), identity)
        await server.start()
        try:
            return await client_of(other, server.port).send(push(), 5)
        finally:
            await server.close()

    result = asyncio.run(main())
    assert result.outcome == Outcome.NOT_SENT
    assert "certificate" in result.detail


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "zz"},
        {"apns_id": "ABC"},
        {"collapse_id": "x" * 65},
        {"topic": "org.example.app"},
        {"payload": {"text": "x" * 5120}},
    ],
)
def test_a_push_apple_would_refuse_for_its_form_is_never_made(changes):
    with pytest.raises(BadPush):
        push(VOIP, **changes) if "token" not in changes else push(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"collapse_id": "call\r\nx: y"},
        {"topic": "org.example.\nvoip.voip"},
        {"payload": {"text": "\ud800"}},
        {"payload": {"number": float("nan")}},
        {"payload": {"raw": b"bytes"}},
    ],
)
def test_a_push_that_would_break_the_connection_is_never_made(changes):
    with pytest.raises(BadPush):
        push(VOIP, **changes)


def test_a_key_that_cannot_sign_sends_nothing_and_says_so(play):
    async def scene(server, phones, client):
        return await client.send(push(), 5), sum(server.received.values())

    result, received = play(scene, pem="no key")
    assert (result.outcome, received) == (Outcome.NOT_SENT, 0)
    assert ".p8 key" in result.detail


def test_a_ca_file_that_is_none_sends_nothing_and_says_so(identity):
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    client = Client(key, Server("localhost", 1, "no certificate"))
    result = asyncio.run(client.send(push(), 5))
    assert result.outcome == Outcome.NOT_SENT
    assert "CA file" in result.detail


@pytest.mark.parametrize(
    "body",
    [b'{"reason":"a\\u0000b"}', b'{"reason":["x"]}', b"[" * 16_000, b"\xff", b"null"],
)
def test_a_body_of_nonsense_is_an_answer_without_a_reason(play, body):
    result, received, _ = send_one(play, Fault("answer", status=400, body=body))
    assert (result.outcome, result.reason, received) == (Outcome.REJECTED, "", 1)
    assert "400" in result.detail


def test_many_pushes_in_parallel_arrive_once_each(play):
    async def scene(server, phones, client):
        pushes = [push() for _ in range(1000)]
        results = await asyncio.gather(*(client.send(one, 30) for one in pushes))
        return results, server.received

    results, received = play(scene)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert len(received) == 1000
    assert set(received.values()) == {1}


def test_after_close_a_client_connects_anew(play):
    async def scene(server, phones, client):
        first = await client.send(push(), 5)
        await client.close()
        await client.close()
        return first, await client.send(push(), 5)

    first, second = play(scene)
    assert first.outcome == second.outcome == Outcome.ACCEPTED
