"""The rehearsal survives being killed at any moment."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from simulator.callers import load_roster, next_calls
from simulator.directory import Delivery
from simulator.phone import IosRule
from simulator.stage import Stage

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 7, 1, 14, tzinfo=UTC)
PULSE = re.compile(rb"^(\S+ \d\d:\d\d:\d\d):000 .*\] OPTIONS \((\d+) ", re.M)


def set_up(folder: Path) -> Stage:
    stage = Stage(folder, folder / "proxy.log")
    stage.set_up(seed=1, hours=1, phones=60, now=NOW, rule=IosRule())
    return stage


def taken_up(folder: Path) -> Stage:
    stage = Stage(folder, folder / "proxy.log")
    stage.take_up()
    return stage


def delivery(token: str, at: datetime) -> Delivery:
    return Delivery(
        token=token.lower(),
        topic="org.linphone.phone.voip",
        push_type="voip",
        priority=10,
        expiration=int(at.timestamp()) + 30,
        apns_id="1d1c6f58-4f4b-4d1c-8f55-9d1f3f0b8f6a",
        payload={},
        received_at=at.timestamp(),
    )


def test_a_restart_goes_on_with_the_same_phones_and_the_same_bytes(tmp_path):
    later = [NOW + timedelta(seconds=second) for second in range(1, 400)]
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    steady, restarted = set_up(tmp_path / "a"), set_up(tmp_path / "b")
    for number, moment in enumerate(later):
        steady.tick(moment)
        if number % 50 == 0:
            restarted = taken_up(tmp_path / "b")
        restarted.tick(moment)
    assert restarted.log.read_bytes() == steady.log.read_bytes()
    assert restarted.fleet.stored() == steady.fleet.stored()


def test_a_push_answered_200_just_before_the_kill_still_reaches_its_phone(tmp_path):
    stage = set_up(tmp_path)
    phone = list(stage.fleet.phones.values())[25]
    at = NOW + timedelta(minutes=2)
    stage.tick(at)
    stage.deliver(delivery(phone.voip_token, at))
    again = taken_up(tmp_path)  # nothing was saved after the push
    before = again.log.stat().st_size
    again.tick(at + timedelta(seconds=8))
    text = again.log.read_bytes()[before:]
    assert b"REGISTER sip:sip.example.org SIP/2.0\r\n" in text
    assert phone.instance_id.encode() in text
    third = taken_up(tmp_path)
    size = third.log.stat().st_size
    third.tick(at + timedelta(seconds=60))
    assert phone.instance_id.encode() not in third.log.read_bytes()[size:]


def test_a_line_that_the_kill_cut_in_half_is_finished_and_never_doubled(tmp_path):
    stage = set_up(tmp_path)
    before = stage.log.read_bytes()
    stage.tick(NOW + timedelta(seconds=3))
    whole = stage.log.read_bytes()
    assert len(whole) > len(before)
    for cut in (0, 1, 40, len(whole) - len(before)):
        stage.log.write_bytes(whole[: len(before) + cut])
        taken_up(tmp_path)
        assert stage.log.read_bytes() == whole


def test_the_directory_knows_dead_and_misplaced_tokens(tmp_path):
    stage = set_up(tmp_path)
    phones = stage.fleet.phones
    dead, misplaced = phones["nina"], phones["peggy"]
    assert stage.find(dead.voip_token.lower()).status == "unregistered"
    assert stage.find(misplaced.voip_token.lower()) is None
    assert stage.find("ab" * 32) is None
    fine = stage.find(phones["alice"].remote_token.lower())
    assert (fine.kind, fine.status) == ("remote", "valid")


def test_the_callers_ask_for_the_same_calls_whoever_asks_and_however_often(tmp_path):
    stage = set_up(tmp_path)
    seed, callees = load_roster(tmp_path / "roster.json")
    whole = next_calls(seed, callees, NOW, NOW + timedelta(minutes=30))
    pieces = []
    for second in range(30 * 60):
        since = NOW + timedelta(seconds=second)
        pieces += next_calls(seed, callees, since, since + timedelta(seconds=1))
    assert pieces == whole
    assert 6 * 30 <= len(whole) <= 10 * 30
    assert len({call.call_id for call in whole}) == len(whole)
    known = {phone.instance_id for phone in stage.fleet.phones.values()}
    assert {call.instance_id for call in whole} <= known


def test_two_calls_of_one_phone_are_never_closer_than_its_answer_needs(tmp_path):
    set_up(tmp_path)
    seed, callees = load_roster(tmp_path / "roster.json")
    newest: dict[str, datetime] = {}
    for call in next_calls(seed, callees, NOW, NOW + timedelta(hours=3)):
        if call.aor in newest:
            assert call.at - newest[call.aor] > timedelta(seconds=120)
        newest[call.aor] = call.at


def test_the_program_killed_and_started_again_writes_each_second_once(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "proxy.log"
    command = [sys.executable, "-m", "simulator", "--folder", str(tmp_path)]
    command += ["--log", str(log), "--port", str(port), "--hours", "1"]
    for _ in range(3):
        program = subprocess.Popen(command, cwd=ROOT)
        wait_for_growth(log)
        program.kill()
        program.wait()
    phones = json.loads((tmp_path / "fleet.json").read_text())["fleet"]["phones"]
    program = subprocess.Popen(command, cwd=ROOT)
    wait_for_growth(log)
    program.send_signal(signal.SIGTERM)
    assert program.wait(timeout=20) == 0
    after = json.loads((tmp_path / "fleet.json").read_text())["fleet"]["phones"]
    assert [p["voip_token"] for p in after] == [p["voip_token"] for p in phones]
    numbers = [int(number) for _, number in PULSE.findall(log.read_bytes())]
    assert numbers == list(range(1, len(numbers) + 1))


def wait_for_growth(log: Path) -> None:
    """Until the program has written two more pulses than its past held."""
    deadline = time.monotonic() + 60
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    size = log.stat().st_size
    while log.stat().st_size < size + 500:
        assert time.monotonic() < deadline
        time.sleep(0.05)
