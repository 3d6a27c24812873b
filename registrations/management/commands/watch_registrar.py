"""`manage.py watch_registrar`: who is bound in Flexisip's Redis, as it changes."""

from __future__ import annotations

import signal
from contextlib import suppress

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from registrations.feeds import FeedBusy
from registrations.sources import redis_registrar
from registrations.watching import Watch


class Command(BaseCommand):
    help = (
        "Follow Flexisip's registrar in Redis: everything once, then each change within a "
        "second of its publication. Only reads (SCAN, HGETALL, SUBSCRIBE, PING)."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "url",
            metavar="URL",
            nargs="?",
            default=settings.REGISTRAR_URL,
            help="redis://[:password@]HOST:PORT/0 (default: PUSHDASH_REGISTRAR_URL)",
        )
        parser.add_argument(
            "--domain",
            default=settings.REGISTRAR_DOMAIN or None,
            help="where Flexisip has use-global-domain=true",
        )
        parser.add_argument("--feed", help="name of the feed (default: registrar HOST)")

    def handle(self, *, url: str, domain: str | None, **options) -> None:
        if not url:
            raise CommandError("no registrar is named: URL or PUSHDASH_REGISTRAR_URL")
        signal.signal(signal.SIGTERM, _stop)
        name = options["feed"] or f"registrar {redis_registrar.shown(url)}"
        try:
            with suppress(KeyboardInterrupt):
                Watch(url, name, domain=domain, clock=timezone.now).run()
        except (FeedBusy, ValueError) as error:
            raise CommandError(str(error)) from error


def _stop(*_) -> None:
    raise KeyboardInterrupt
