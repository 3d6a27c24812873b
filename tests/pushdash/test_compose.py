"""docker-compose.yml and the Dockerfile start what `bin/up` starts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pushdash import processes

ROOT = Path(__file__).resolve().parents[2]
SERVICES = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
#: Without the interpreter and its -m: a container has them on its PATH.
OURS = {
    process.name: process.command[2:]
    for process in processes.product("0.0.0.0", 8000, Path("/var/lib/pushdash"))
}


def test_compose_has_a_service_for_every_process_and_more():
    assert set(OURS) | {"postgres", "redis", "ingest"} <= set(SERVICES)


@pytest.mark.parametrize("name", ["worker-voip", "worker"])
def test_a_worker_is_started_in_the_same_words(name):
    assert SERVICES[name]["command"] == OURS[name]


def test_beat_keeps_only_its_schedule_elsewhere():
    words = [word for word in OURS["beat"] if not word.startswith("--schedule=")]
    command = SERVICES["beat"]["command"]
    assert [one for one in command if not one.startswith("--schedule=")] == words


def test_the_image_serves_the_same_application_with_the_same_options():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    (command,) = (line[4:] for line in lines if line.startswith("CMD "))
    words = json.loads(command)
    assert words[:2] == OURS["web"][:2]
    assert set(words) == set(OURS["web"])
