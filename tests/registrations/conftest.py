"""Followed feeds, in this process or in one of their own, stopped when their test ends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.registrations.followed import Followed
from tests.registrations.processes import started


@pytest.fixture
def follow_here(monkeypatch):
    """Follows files in this process, what is missing tried again at once."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr("registrations.tails.RETRY_SECONDS", 0.0)
    feeds: list[Followed] = []

    def follow(*words) -> Followed:
        feeds.append(Followed(*words))
        return feeds[-1]

    yield follow
    for feed in feeds:
        feed.stop()


@pytest.fixture
def follow():
    """Follows a path in a process of its own, killed at the end."""
    processes: list[subprocess.Popen] = []

    def run(path: Path, *options: str) -> subprocess.Popen:
        processes.append(started(path, "--follow", *options))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()
