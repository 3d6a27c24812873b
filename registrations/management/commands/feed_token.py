"""`manage.py feed_token NAME`: a bearer token for a log collector, shown once."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from registrations.formats import NAMES
from registrations.models import Feed
from registrations.tokens import give_token


class Command(BaseCommand):
    help = (
        "Make the HTTP feed NAME (POST /api/v1/logs/NAME) and print its bearer token, once. "
        "Done again, it gives a new token and the old one is void."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("name", metavar="NAME", help="letters, digits, . _ -")
        parser.add_argument("--format", choices=NAMES, help="default: look")
        parser.add_argument("--revoke", action="store_true", help="take the token away")

    def handle(self, *, name: str, format: str | None, revoke: bool, **options) -> None:
        feed = Feed.objects.filter(name=name).first()
        if feed is not None and feed.kind != Feed.Kind.HTTP:
            raise CommandError(f"{name!r} is a feed of another kind ({feed.kind})")
        if revoke:
            Feed.objects.filter(name=name).update(token_digest="")
        else:
            self.stdout.write(give_token(name, format))
