"""`manage.py rebuild_risk`: every verdict and ledger anew from the rows they rest on."""

from __future__ import annotations

import os

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications import handling
from notifications.crew import crew
from notifications.models import Call, Ledger


class Command(BaseCommand):
    help = (
        "Recompute all verdicts and strike ledgers, and print what came out different."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--processes",
            type=int,
            default=os.cpu_count() or 1,
            help="that share the work (default: one a core)",
        )

    def handle(self, *, processes: int, **options) -> None:
        settled = _rebuilt(processes)
        for call in Call.objects.filter(pk__in=settled.judged).select_related("token"):
            self.stdout.write(
                f"call {call.call_id} to {call.token.masked}: {call.verdict} {call.rule}"
            )
        ledgers = Ledger.objects.filter(token__in=settled.ledgers)
        for ledger in ledgers.select_related("token"):
            self.stdout.write(
                f"ledger {ledger.token.masked}: {ledger.state}, strikes {ledger.strikes}"
            )
        self.stdout.write(
            f"{len(settled.judged)} verdicts, {len(settled.ledgers)} ledgers and"
            f" {settled.sums} sums differed"
        )


def _rebuilt(processes: int) -> handling.Settled:
    if processes == 1:
        return handling.rebuild(timezone.now())
    with crew(processes) as pool:
        return handling.rebuild_by(pool.imap, timezone.now())
