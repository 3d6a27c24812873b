"""`manage.py settle`: one round of judging open calls, by hand."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications import handling


class Command(BaseCommand):
    help = (
        "Judge the calls that are open, once, and bring the strike ledgers up to them."
    )

    def handle(self, **options) -> None:
        settled = handling.settle(timezone.now())
        self.stdout.write(
            f"{len(settled.judged)} verdicts and {len(settled.ledgers)} ledgers changed"
        )
