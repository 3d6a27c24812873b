"""The simulated APNs by itself: as a process, with faults from a file and by its endpoint."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from notifications.apns import Certificate, Client, Key, Outcome, Server
from simulator.alone import more_keys
from simulator.faults import read_faults
from tests.apns import push

ROOT = Path(__file__).parents[2]
VOIP, PLAIN = "11" * 31 + "1f", "11" * 32


@contextmanager
def running(folder: Path, *options: str):
    command = [sys.executable, "manage.py", "apns_simulator", "--folder", str(folder)]
    command += ["--bundle", "org.example.app", *options]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield json.loads(process.stdout.readline()), process
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def send(ready: dict, *tokens: str, shown: Key | Certificate | None = None) -> list:
    """The results of one push to each token, one after the other."""
    key = shown or key_of(ready)
    port = int(ready["apns"].rpartition(":")[2])
    server = Server("localhost", port, Path(ready["ca"]).read_text())

    async def main() -> list:
        client = Client(key, server)
        try:
            return [await client.send(wanted(token), 5) for token in tokens]
        finally:
            await client.close()

    return asyncio.run(main())


def key_of(said: dict) -> Key:
    return Key(said["team_id"], said["key_id"], Path(said["p8"]).read_text())


def wanted(token: str):
    if token[-1] in "89abcdef":
        topic = "org.example.app.voip"
        return push(token, topic=topic, push_type="voip")
    return push(token)


def admin(ready: dict, path: str = "", method: str = "GET", body: str = "") -> dict:
    request = urllib.request.Request(
        ready["admin"] + path, method=method, data=body.encode() or None
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def refused(*asked: object) -> int:
    """The status of a request the endpoint refuses."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        admin(*asked)
    caught.value.close()
    return caught.value.code


def test_tokens_tell_their_state_and_accepted_pushes_are_printed(tmp_path):
    with running(tmp_path) as (ready, process):
        results = send(ready, VOIP, PLAIN, "dead" + PLAIN[4:], "bad0" + PLAIN[4:])
        printed = [json.loads(process.stdout.readline()) for _ in range(2)]
    reasons = [result.reason for result in results]
    assert reasons == ["", "", "Unregistered", "BadDeviceToken"]
    assert [line["type"] for line in printed] == ["voip", "alert"]
    assert PLAIN not in json.dumps(printed)


def test_faults_come_from_a_file_and_by_the_endpoint(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text('[{"kind": "answer", "status": 503}]')
    with running(tmp_path, "--faults", str(file)) as (ready, _):
        assert send(ready, VOIP, VOIP)[0].reason == "ServiceUnavailable"
        said = '[{"kind": "reset"}, {"kind": "silent", "times": 2}]'
        assert len(admin(ready, "faults", "POST", said)["faults"]) == 2
        assert send(ready, VOIP)[0].outcome == Outcome.NOT_SENT
        assert [one["kind"] for one in admin(ready)["faults"]] == ["silent"]
        assert admin(ready, "faults", "DELETE")["faults"] == []
        assert send(ready, VOIP)[0].outcome == Outcome.ACCEPTED
        state = admin(ready)
        assert (state["received"], state["twice"]) == (4, [])
        assert refused(ready, "faults", "POST", '[{"kind": "flood"}]') == 400
        assert refused(ready, "nothing") == 404


def test_devices_tokens_and_keys_change_by_the_endpoint_and_the_log_tells(tmp_path):
    with running(tmp_path) as (ready, _):
        admin(ready, "devices", "POST", json.dumps({PLAIN: {"is_online": False}}))
        assert send(ready, PLAIN)[0].outcome == Outcome.ACCEPTED
        (line,) = admin(ready, "log")["log"]
        assert (line["token"], line["event"]) == (PLAIN, "Stored - Device Offline")
        admin(ready, "tokens", "POST", json.dumps({VOIP: "unregistered"}))
        assert send(ready, VOIP)[0].reason == "Unregistered"
        admin(ready, "tokens", "POST", json.dumps({VOIP: "valid"}))
        assert send(ready, VOIP)[0].outcome == Outcome.ACCEPTED
        admin(ready, "keys", "POST", json.dumps({"revoked": [ready["key_id"]]}))
        assert send(ready, VOIP)[0].reason == "InvalidProviderToken"
        assert refused(ready, "devices", "POST", '{"aa": {"mood": 1}}') == 400
        assert refused(ready, "tokens", "POST", '{"aa": "lost"}') == 400
        assert refused(ready, "keys", "POST", "[]") == 400


@pytest.mark.parametrize(
    ("seconds", "event"),
    [("3600", "App not launched: failed to report calls"), ("0", "App launched")],
)
def test_51_threshold_and_release_of_ios_are_those_of_the_command_line(
    tmp_path, seconds, event
):
    options = ("--threshold", "2", "--release-seconds", seconds)
    with running(tmp_path, *options) as (ready, _):
        admin(ready, "devices", "POST", json.dumps({VOIP: {"ignores": 2}}))
        send(ready, VOIP, VOIP, VOIP)
        events = [line["event"] for line in admin(ready, "log")["log"]]
    assert events.count("App killed: 0xBAADCA11") == 2
    assert events[-1] == event


def test_34_and_40_more_keys_can_be_had_from_the_command(tmp_path):
    options = (
        "--key",
        "OTHERTEAM1:KEYOTHER12",
        "--key",
        "TEAM123456:KEYSANDBOX:sandbox",
    )
    with running(tmp_path, *options) as (ready, _):
        other, sandbox = ready["more_keys"]
        assert (other["team_id"], other["key_id"]) == ("OTHERTEAM1", "KEYOTHER12")
        (answer,) = send(ready, VOIP, shown=key_of(other))
        assert answer.outcome == Outcome.ACCEPTED
        (answer,) = send(ready, VOIP, shown=key_of(sandbox))
        assert answer.reason == "BadEnvironmentKeyIdInToken"
        mixed = key_of({**other, "p8": ready["p8"]})
        (answer,) = send(ready, VOIP, shown=mixed)
        assert answer.reason == "InvalidProviderToken"


def test_a_client_certificate_is_there_for_senders_without_a_key(tmp_path):
    with running(tmp_path) as (ready, _):
        path = Path(ready["client_certificate"])
        shown = Certificate(path.read_text())
        results = send(ready, VOIP, PLAIN, shown=shown)
    assert {result.outcome for result in results} == {Outcome.ACCEPTED}
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("KEY1234567", "'KEY1234567' is no TEAM:KEY"),
        ("TEAM123456:KEY7654321:moon", "moon' is no TEAM:KEY"),
        ("TEAM123456:KEY1234567", "key KEY1234567 stands twice"),
    ],
)
def test_a_key_that_is_none_or_stands_twice_is_named(identity, text, why):
    with pytest.raises(ValueError, match=why):
        more_keys([text], identity)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{}", "JSON list"),
        ("[1]", "fault 1: kind"),
        ('[{"kind": "reset"}, {"kind": "flood"}]', "fault 2: kind"),
        ('[{"kind": "reset", "speed": 1}]', "fault 1: .*speed"),
        ('[{"kind": "reset", "times": "many"}]', "fault 1: times"),
        ("[", "Expecting value"),
    ],
)
def test_a_fault_that_is_none_says_which(text, why):
    with pytest.raises(ValueError, match=why):
        read_faults(text)


def test_a_file_of_nonsense_ends_the_command(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text("[1]")
    command = [sys.executable, "manage.py", "apns_simulator", "--folder", str(tmp_path)]
    command += ["--bundle", "org.example.app", "--faults", str(file)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "fault 1" in done.stderr
