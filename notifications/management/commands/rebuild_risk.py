"""`manage.py rebuild_risk`: every verdict and ledger anew from the rows they rest on."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications import handling
from notifications.models import Call, Ledger


class Command(BaseCommand):
    help = (
        "Recompute all verdicts and strike ledgers, and print what came out different."
    )

    def handle(self, **options) -> None:
        settled = handling.rebuild(timezone.now())
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
            f"{len(settled.judged)} verdicts and {len(settled.ledgers)} ledgers differed"
        )
