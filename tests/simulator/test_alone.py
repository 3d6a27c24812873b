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

from notifications.apns import Client, Key, Outcome, Server
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


def send(ready: dict, *tokens: str) -> list:
    """The results of one push to each token, one after the other."""
    key = Key(ready["team_id"], ready["key_id"], Path(ready["p8"]).read_text())
    port = int(ready["apns"].rpartition(":")[2])
    server = Server("localhost", port, Path(ready["ca"]).read_text())

    async def main() -> list:
        client = Client(key, server)
        try:
            return [await client.send(wanted(token), 5) for token in tokens]
        finally:
            await client.close()

    return asyncio.run(main())


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
