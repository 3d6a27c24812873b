"""`manage.py gateway_key NAME`: a secret for a SIP server that pushes through us."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications.gateway_keys import give_key
from notifications.models import GatewayKey


class Command(BaseCommand):
    help = (
        "Make the secret NAME for Flexisip's external pusher and print it, once. Done "
        "again, it gives a new one and the old one is void; to change it without a gap, "
        "make a second NAME first and revoke the old one later."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument(
            "--from",
            dest="networks",
            action="append",
            default=[],
            metavar="NETWORK",
            help="use it from there only, 192.0.2.0/24; may be repeated (default: any)",
        )
        parser.add_argument("--revoke", action="store_true", help="take it away")

    def handle(self, *, name: str, networks: list[str], revoke: bool, **options):
        if revoke:
            GatewayKey.objects.filter(name=name).delete()
            return
        try:
            self.stdout.write(give_key(name, networks, timezone.now()))
        except ValueError as error:
            raise CommandError(str(error)) from error
