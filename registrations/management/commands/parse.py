"""`manage.py parse`: one JSON object for each REGISTER received. Needs no database."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo

from django.core.management.base import BaseCommand, CommandError

from registrations.answers import Pairing, Waiting
from registrations.formats import NAMES, Detecting, UnknownFormat, open_format
from registrations.formats.detecting import AnyReader
from registrations.formats.record import (
    Answer,
    Pulse,
    Record,
    Request,
    Turned,
    Unreadable,
)
from registrations.formats.stamps import Stamps, Years
from registrations.formats.unread import Unread
from registrations.formats.xlog import Template
from registrations.long_running import expect_no_cycles, settle_in
from registrations.rows import Rows, error_row
from registrations.sip import MalformedMessage, SipError, read_register
from registrations.sources.logfile import BROKEN, chunks, opened, written_until
from registrations.sources.trees import files_of
from registrations.timezones import add_timezone, unknown_told
from registrations.xlogs import add_xlog
from registrations.years import add_year, guess_told

#: What was read of one file piece: REGISTERs, and errors with their position.
Read = Waiting | tuple[SipError, int]


class Command(BaseCommand):
    help = (
        "Print one JSON object a line for each REGISTER received in FILE… (- is standard "
        "input, of a directory every file in it is read, gzip as it is). Needs no database."
    )
    requires_system_checks = []

    def add_arguments(self, parser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE")
        parser.add_argument("--format", help=f"{', '.join(NAMES)} (default: look)")
        add_timezone(parser)
        add_year(parser)
        add_xlog(parser)
        parser.add_argument(
            "--summary", action="store_true", help="print counts instead"
        )

    def handle(self, *, files: list[str], format: str | None, **options) -> None:
        settle_in()
        expect_no_cycles()
        printer = Summary() if options["summary"] else Lines(self.stdout)
        for path in files:
            try:
                for file in files_of(path):
                    self._read(file, format, printer, **options)
            except UnknownFormat as error:
                raise CommandError(str(error)) from error
            except BrokenPipeError:
                raise SystemExit(1) from None  # `parse … | head`: nobody reads on
            except (OSError, *BROKEN) as error:
                raise CommandError(f"{path} cannot be read: {error}") from error
        if options["summary"]:
            self.stdout.write(
                json.dumps(dict(sorted(printer.counts.items())), indent=1)
            )

    def _read(
        self, file: str, format: str | None, printer: Lines | Summary, **options
    ) -> None:
        stamps, unread = _stamps(file, **options), Unread(format)
        for read in pieces(file, format, stamps, options["xlog"], unread):
            printer.take(*read)
        if stamps.guessed:
            self.stderr.write(guess_told(file, stamps.guessed))
        if stamps.unknown:
            self.stderr.write(unknown_told(file, stamps.unknown))
        if unread.words:
            self.stderr.write(f"{file}: {unread.words}")


def _stamps(path: str, *, timezone: tzinfo | None, year: int | None, **_) -> Stamps:
    latest = written_until(path, datetime.now(UTC))
    return Stamps(timezone, lambda: latest, Years(year) if year else None)


def pieces(
    path: str,
    format: str | None,
    stamps: Stamps,
    template: Template | None = None,
    unread: Unread | None = None,
) -> Iterator[tuple[list[Read], str]]:
    """What `parse` prints for one file, piece by piece, in the order of the file.

    Of a packed file that breaks off all that can be unpacked; then raises what BROKEN lists.
    """
    reader = open_format(format, stamps, template=template)
    pairing, unread = Pairing(), unread or Unread(format)
    broken: Exception | None = None
    with opened(path) as stream:
        try:
            for data in chunks(stream):
                records = reader.feed(data)
                unread.saw(data, records, reader.form)
                if records:
                    yield from _named(records, pairing, reader)
        except BROKEN as error:
            broken = error
    records = reader.end()
    unread.saw(b"", records, None)
    yield from _named(records, pairing, reader)
    yield pairing.in_order(is_last=True), reader.form.name
    if broken is not None:
        raise broken


def _named(
    records: list[Record], pairing: Pairing, reader: AnyReader | Detecting
) -> Iterator[tuple[list[Read], str]]:
    """What was read, with the name of its format: where the log turned there are two."""
    left, turn, form = iter(records), None, reader.form
    while True:
        items, turned = _read(left, pairing, turn)
        if turned is None:
            # Before a format shows there is nothing but what has none.
            yield items, form.name if form else ""
            return
        yield items + pairing.in_order(is_last=True), turned.own
        turn = turned


def _read(
    records: Iterator[Record], pairing: Pairing, turn: Turned | None
) -> tuple[list[Read], Turned | None]:
    """What can be printed of the records up to a turn, and that."""
    ask, items = pairing.ask, [] if turn is None else [_error(turn)]
    for record in records:
        if type(record) is Request:
            try:
                ask(record, read_register(record.raw, record.message))
            except SipError as error:
                items.append((error, record.position))
        elif isinstance(record, Answer):
            pairing.answer(record)
        elif isinstance(record, Pulse):
            pairing.note(record.at)
        elif isinstance(record, Unreadable):
            items.append(_error(record))
        elif isinstance(record, Turned):
            return items, record
    return items + pairing.in_order(), None


def _error(record: Unreadable | Turned) -> tuple[SipError, int]:
    return MalformedMessage(record.rule, record.detail), record.position


class Lines:
    """Prints one JSON object a line."""

    def __init__(self, out) -> None:
        self._out, self._rows = out, Rows()

    def take(self, items: list[Read], format: str) -> None:
        """Print what was read."""
        rows = self._rows
        lines = [
            error_row(*item) if isinstance(item, tuple) else rows.register(item, format)
            for item in items
        ]
        if lines:
            self._out.write("\n".join([*lines, ""]))


class Summary:
    """Counts what was read."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def take(self, items: list[Read], format: str) -> None:
        """Count what was read."""
        for item in items:
            if isinstance(item, tuple):
                self.counts.update(["unreadable", f"rule {item[0].rule}"])
            else:
                self._count(item, format)

    def _count(self, item: Waiting, format: str) -> None:
        names = [
            "registers",
            f"format {format}",
            f"status {item.status or 'not shown'}",
        ]
        for contact in item.register.contacts:
            names.append("contacts")
            names += [f"problem {problem.rule}" for problem in contact.problems]
        self.counts.update(names)
