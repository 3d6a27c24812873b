"""The option `--year`: the year of time stamps that name none."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable

#: `--year auto`: the newest year that puts a stamp not after the file's last change.
AUTO = 0


def year_named(text: str) -> int:
    """The year, or AUTO. Raises ArgumentTypeError, naming what was wrong."""
    if text == "auto":
        return AUTO
    if not (text.isascii() and text.isdigit() and 1970 <= int(text) <= 9999):
        raise ArgumentTypeError(f"no year: {text!r} (say 2025, or auto)")
    return int(text)


def add_year(parser: ArgumentParser) -> None:
    """Add `--year` to a command."""
    parser.add_argument(
        "--year",
        type=year_named,
        help="in which a log begins whose time stamps name no year (default: auto, the "
        "newest that puts them not after the file's last change)",
    )


def guess_told(name: str, years: Iterable[int]) -> str:
    """What to say of years that nobody said, as one sentence."""
    taken = ", ".join(map(str, sorted(years)))
    return (
        f"{name}: time stamps without a year were taken for {taken}, by the file's last "
        "change; of a copy --year says the right one"
    )
