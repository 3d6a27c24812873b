"""`manage.py apns_simulator`: the simulated APNs by itself, for any sender of pushes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from simulator.alone import Alone, run


class Command(BaseCommand):
    help = (
        "Serve a simulated APNs over TLS and HTTP/2 on loopback. Prints a JSON line with its "
        "addresses, key and CA, then one a push (docs/simulator.md)."
    )
    requires_system_checks = ()

    def add_arguments(self, parser) -> None:
        parser.add_argument("--folder", type=Path, required=True, help="what it keeps")
        parser.add_argument("--bundle", dest="bundle_id", required=True)
        parser.add_argument(
            "--environment", choices=["production", "sandbox"], default="production"
        )
        parser.add_argument("--port", type=int, default=0)
        parser.add_argument("--admin-port", type=int, default=0)
        parser.add_argument("--pushes-a-second", type=int, default=0, help="to a token")
        parser.add_argument("--connections-a-minute", type=int, default=0)
        parser.add_argument("--idle-seconds", type=float, default=0.0)
        parser.add_argument(
            "--foreign-topic",
            choices=["TopicDisallowed", "InvalidProviderToken"],
            default="TopicDisallowed",
            help="what it says to a topic that is not the key's",
        )
        parser.add_argument(
            "--future-token",
            choices=["InvalidProviderToken", "ExpiredProviderToken"],
            default="InvalidProviderToken",
            help="what it says to a provider token issued in the future",
        )
        parser.add_argument(
            "--allow-background-at-ten",
            dest="refuses_background_at_ten",
            action="store_false",
            help="take a background push with priority 10",
        )
        parser.add_argument(
            "--threshold",
            type=int,
            default=3,
            help="unreported calls in a row until iOS launches the app no more",
        )
        parser.add_argument(
            "--release-seconds",
            type=float,
            help="how long that lasts; without it until a reinstall",
        )
        parser.add_argument(
            "--key",
            dest="more_keys",
            action="append",
            default=[],
            metavar="TEAM:KEY[:ENVIRONMENT]",
            help="one more key, made in the folder; may be repeated",
        )
        parser.add_argument("--faults", type=Path, help="a JSON list of faults")
        parser.add_argument(
            "--strict",
            dest="is_strict",
            action="store_true",
            help="Apple's rules of provider tokens to the letter",
        )

    def handle(self, **options) -> None:
        names = Alone.__dataclass_fields__
        wanted = Alone(**{name: options[name] for name in names})
        try:
            asyncio.run(run(wanted))
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
