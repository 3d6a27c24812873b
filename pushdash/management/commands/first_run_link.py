"""`manage.py first_run_link`: the one-time link for the first admin."""

from __future__ import annotations

from django.core.management.base import BaseCommand

from pushdash.first_run import link


class Command(BaseCommand):
    help = "Print the link that makes the first admin; valid for 24 hours, once."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--base-url", default="http://127.0.0.1:8000")

    def handle(self, *, base_url: str, **options) -> None:
        found = link(base_url)
        words = "make the first admin:" if found else "log in with your user name."
        self.stdout.write(f"{words} {found}".strip())
