"""Texts of the code → locale/*/django.po → django.mo: `bin/translate`.

Babel reads them, so nobody needs GNU gettext. The compiled file is kept in the repository: a
fresh machine compiles nothing (docs/translating.md).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from notifications.apns import REASONS

ROOT = Path(__file__).resolve().parents[1]
LOCALE = ROOT / "locale"
SPOKEN_BY = ("notifications", "pushdash", "registrations")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (1,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
HEADER = (
    "# The texts of pushdash. bin/translate renews this file; write only into msgstr."
)


def texts() -> Catalog:
    """Every text of the code, without a translation."""
    found = Catalog(project="pushdash", fuzzy=False)
    for source in _sources():
        for _, message, _, context in extract("python", source, keywords=KEYWORDS):
            found.add(message, context=context, auto_comments=())
    # A pure core marks nothing: its table is translated where it is shown.
    for reason in REASONS.values():
        found.add(reason.meaning)
        found.add(reason.remedy)
    return found


def _sources() -> Iterator[io.BytesIO]:
    for package in SPOKEN_BY:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield io.BytesIO(path.read_bytes())
    for path in sorted((ROOT / "templates").rglob("*.html")):
        yield io.BytesIO(_as_python(path.read_text()).encode())


def _as_python(template: str) -> str:
    """The texts of a template as calls; indentation means nothing in it."""
    lines = templatize(template).splitlines()
    return "\n".join(line.strip() for line in lines) + "\n"


def catalog_of(language: str) -> Catalog:
    """What is translated."""
    with _file(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def renew(language: str) -> list[str]:
    """Bring the file to the texts of the code and compile it; returns what it lacks."""
    known = catalog_of(language)
    known.update(texts(), no_fuzzy_matching=True)
    known.header_comment, known.fuzzy = HEADER, False
    _file(language, "po").write_bytes(_written(known))
    _file(language, "mo").write_bytes(compiled(catalog_of(language)))
    return [str(each.id) for each in known if each.id and not _is_done(each)]


def _is_done(message) -> bool:
    said = message.string if message.pluralizable else [message.string]
    return all(said) and not message.fuzzy


def _written(known: Catalog) -> bytes:
    text = io.BytesIO()
    write_po(
        text, known, width=96, no_location=True, sort_output=True, ignore_obsolete=True
    )
    kept = [
        line
        for line in text.getvalue().splitlines()
        # They change with the day and tell nothing.
        if not line.startswith((b'"POT-Creation', b'"PO-Revision', b'"Generated-By'))
    ]
    return b"\n".join(kept).rstrip() + b"\n"


def compiled(known: Catalog) -> bytes:
    """The bytes of its .mo."""
    # Else it would say when it was made, and never be the same.
    known.creation_date = known.revision_date = LONG_AGO
    text = io.BytesIO()
    write_mo(text, known)
    return text.getvalue()


def compiled_of(language: str) -> bytes:
    """The bytes of the .mo that is kept."""
    return _file(language, "mo").read_bytes()


def _file(language: str, form: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"django.{form}"


def main() -> int:
    """Renew every language; 1 when one lacks a translation."""
    lacking = []
    for folder in sorted(LOCALE.iterdir()):
        for text in renew(folder.name):
            lacking.append(text)
            sys.stderr.write(f"{folder.name}: no translation of {text!r}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
