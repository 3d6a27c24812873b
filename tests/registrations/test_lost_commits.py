"""A commit that was done though its answer was lost: what it stored is not stored again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import OperationalError, transaction
from django.utils import timezone

from registrations.intake import Intake
from registrations.models import Malformed, Registration
from tests import hep
from tests.registrations.logs import register
from tests.registrations.test_gaps import Ear

pytestmark = pytest.mark.django_db(transaction=True)


class Loses:
    """Raises when a commit is done, once."""

    def __init__(self) -> None:
        self.is_left = True

    def lose(self) -> None:
        if self.is_left:
            self.is_left = False
            raise OperationalError("the connection is lost")

    @contextmanager
    def atomic(self) -> Iterator[None]:
        with transaction.atomic():
            yield
        self.lose()


def counts() -> tuple[int, list[int]]:
    """REGISTERs stored, and how often each that could not be read was seen."""
    return Registration.objects.count(), [one.count for one in Malformed.objects.all()]


def test_packets(monkeypatch):
    loses, ear = Loses(), Ear()
    monkeypatch.setattr("registrations.listening.RETRY_SECONDS", 0.0)
    monkeypatch.setattr(
        "registrations.listening.transaction", SimpleNamespace(atomic=loses.atomic)
    )
    broken = hep.register(2).replace(b"CSeq: ", b"X-CSeq: ")
    ear.hear(timezone.now(), broken)
    assert (loses.is_left, counts()) == (False, (0, [1]))
    ear.hear(timezone.now(), broken)
    assert counts() == (0, [2])


def test_lines_of_a_pipe(monkeypatch):
    loses, take = Loses(), Intake.take

    def taken(self, *pieces, **options) -> int:
        count = take(self, *pieces, **options)
        if pieces:
            loses.lose()
        return count

    monkeypatch.setattr("registrations.piping.RETRY_SECONDS", 0.0)
    monkeypatch.setattr(Intake, "take", taken)
    broken = register(call_id="two").replace("CSeq: ", "X-CSeq: ")
    read, write = os.pipe()
    with os.fdopen(read) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with os.fdopen(write, "w") as log:
            log.write(broken + register(call_id="one"))
        call_command("ingest", "-", "--feed", "pipe", stderr=StringIO())
    assert (loses.is_left, counts()) == (False, (1, [1]))
