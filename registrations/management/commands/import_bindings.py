"""`manage.py import_bindings`: what a registrar holds now → devices and tokens, once."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import redis
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from registrations.bindings import NAMES, Binding, UnknownListing, read_listing
from registrations.bound import Bindings, Counts
from registrations.feeds import FeedBusy, close_feed, open_feed, open_stream
from registrations.models import Feed
from registrations.registrar import Registrar
from registrations.sources import redis_registrar
from registrations.storable import clean


class Command(BaseCommand):
    help = (
        "Store who is bound in a SIP registrar now, with tokens and expiry: from Flexisip's "
        "Redis (--from redis://HOST:PORT/0), or from listings in FILE… (- is standard "
        "input). Doing it again changes nothing; what a REGISTER told later stays; nothing "
        "is written to Redis. A listing is no sign of life of a phone."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE")
        parser.add_argument("--from", dest="url", metavar="URL", help="redis://…")
        parser.add_argument("--format", choices=NAMES, help="default: look")
        parser.add_argument("--domain", help="of AORs that are listed without one")
        parser.add_argument("--aor", help="of a listing of one AOR that names none")
        parser.add_argument(
            "--taken-at",
            type=_moment,
            metavar="TIME",
            help="when the listing was printed, ISO 8601 (default: the file's own time)",
        )
        parser.add_argument(
            "--feed", help="name of the feed (default: its file or host)"
        )

    def handle(self, *, files: list[str], url: str | None, **options) -> None:
        if bool(files) == bool(url):
            raise CommandError("name either FILE… or --from redis://…")
        try:
            if url:
                self._redis(url, options)
            for path in files:
                self._listing(path, options)
        except (FeedBusy, UnknownListing, redis.RedisError, OSError) as error:
            raise CommandError(str(error)) from error

    def _redis(self, url: str, options: dict) -> None:
        place = redis_registrar.shown(url)
        name = options["feed"] or f"bindings of {place}"
        feed = open_feed(name, place, kind=Feed.Kind.LISTING)
        with redis_registrar.connect(url) as client:
            client.ping()
            registrar = Registrar(
                feed, client, domain=options["domain"], clock=timezone.now
            )
            counts = registrar.read_all()
        self._conclude(feed, counts, registrar.skipped)

    def _listing(self, path: str, options: dict) -> None:
        text = _text_of(path)
        feed = open_feed(
            options["feed"] or f"bindings in {Path(path).name}",
            path,
            kind=Feed.Kind.LISTING,
        )
        found = read_listing(
            options["format"],
            text,
            taken_at=options["taken_at"] or _time_of(path),
            domain=options["domain"],
            aor=options["aor"] or _aor_in(path),
        )
        skipped: Counter[str] = Counter()
        now = timezone.now()
        file = open_stream(feed, path, now)
        counts = Bindings(feed, file).store(self._read(found, skipped), now)
        self._conclude(feed, counts, skipped)

    def _read(self, found, skipped: Counter[str]) -> Iterator[Binding]:
        for one in found:
            if isinstance(one, Binding):
                yield one
                continue
            if not skipped[one.rule]:
                self.stderr.write(f"skipped: {one.rule}: {clean(one.detail)}")
            skipped[one.rule] += 1

    def _conclude(self, feed: Feed, counts: Counts, skipped: Counter[str]) -> None:
        feed.last_read_at = timezone.now()
        feed.rejected_count = skipped.total()
        feed.save(update_fields=["last_read_at", "rejected_count"])
        close_feed(feed)
        words = [f"{count} skipped ({rule})" for rule, count in skipped.items()]
        self.stdout.write(", ".join([f"{feed.name}: {counts}", *words]))


def _text_of(path: str) -> str:
    raw = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    return raw.decode("utf-8", "backslashreplace")


def _time_of(path: str) -> datetime:
    if path == "-":
        return timezone.now()
    return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)


def _aor_in(path: str) -> str | None:
    """`alice@example.org.json` is named after its AOR."""
    stem = Path(path).name.removesuffix(".json").removesuffix(".txt")
    return stem if "@" in stem else None


def _moment(text: str) -> datetime:
    """An aware moment; UTC where no zone is given."""
    found = parse_datetime(text)
    if found is None:
        raise ValueError(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
