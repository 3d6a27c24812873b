"""`bin/up` whole, in an empty home: private services, restarts, and no process left behind."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import kill
from benchmarks.product import CHILDREN, PATIENCE_SECONDS, ROOT, Product, until
from benchmarks.visitor import looking_at
from pushdash.management.commands.up import free_port

#: It makes its tables first; a machine on which all tests run side by side takes its time.
START_SECONDS = 240


def start(folder: Path, *options: str) -> Product:
    """A product that serves, with nothing around it but two empty folders."""
    product = Product(folder, *options)
    until(
        lambda: "Ctrl-C stops" in product.said() and product.is_serving(), START_SECONDS
    )
    return product


@pytest.fixture
def bare(tmp_path) -> Iterator[Product]:
    """Without the simulator."""
    product = start(tmp_path)
    yield product
    product.end()


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Iterator[Product]:
    product = start(tmp_path_factory.mktemp("up"), "--demo")
    yield product
    product.end()


@pytest.fixture(scope="module")
def visitor(demo):
    with looking_at(demo) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def started(demo, visitor) -> dict:
    return kill.start_of(demo, visitor)


@pytest.fixture(scope="module")
def since(started) -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def killer(demo, visitor, since) -> kill.Killer:
    return kill.Killer(demo, visitor, random.Random(1), most=1)


def test_it_starts_with_nothing_given_and_leaves_no_process(bare):
    assert f"{bare.url}/first-run/" in bare.said()
    running = bare.processes()
    assert len(running) >= 7
    # It listens and watches only where it is told to.
    commands = "\n".join(running.values())
    assert "listen_hep" not in commands and "watch_registrar" not in commands
    bare.process.send_signal(signal.SIGTERM)
    assert bare.process.wait(PATIENCE_SECONDS) == 0
    assert bare.said().endswith("Stopped.\n")
    assert bare.processes() == {}


def test_it_listens_where_it_is_told_to_and_killed_leaves_no_orphan(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PUSHDASH_HEP_UDP", str(free_port()))
    monkeypatch.setenv("PUSHDASH_REGISTRAR_URL", "redis://:s3cret@127.0.0.1:1/0")
    product = start(tmp_path)
    try:
        commands = "\n".join(product.processes().values())
        assert "manage.py listen_hep" in commands
        assert "manage.py watch_registrar" in commands
        assert "s3cret" not in commands
        product.process.kill()
        product.process.wait()
        until(lambda: product.processes() == {}, 120)
    finally:
        product.end()


def test_the_demo_shows_two_strikes_and_a_suspected_device_in_three_minutes(started):
    assert started["risk_shown_seconds"] <= kill.SHOWN_SECONDS
    assert started["two_strikes"] and started["suspected"]


def test_secrets_and_sockets_are_for_their_owner_alone(demo):
    for name in ("secret.key", "encryption.key"):
        assert (demo.var / name).stat().st_mode & 0o777 == 0o600
    assert (demo.var / "postgres").stat().st_mode & 0o077 == 0
    assert (demo.var / "run").stat().st_mode & 0o077 == 0


def test_a_second_one_in_the_same_folder_says_so(demo, tmp_path):
    second = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", "0"],
        cwd=ROOT,
        env=demo.environment(),
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    assert "another pushdash uses" in second.stderr
    assert len(second.stderr.splitlines()) == 1


@pytest.mark.parametrize("child", CHILDREN)
def test_the_page_is_live_again_after_a_child_was_killed(killer, child):
    # It waits, patiently, for the page and the child; how soon is for `bin/bench kill`.
    result = killer.strike(child)
    assert result["step"] == child
    assert result["live_again_seconds"] <= 2 * PATIENCE_SECONDS


def test_nothing_is_lost_by_all_those_kills(killer, since):
    found = killer.account(since)
    assert found["wrong"] == []
    assert found["registrations"] and found["verdicts"]
