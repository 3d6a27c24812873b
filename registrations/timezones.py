"""The option `--timezone`: the zone of time stamps that name none."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_named(name: str) -> ZoneInfo:
    """The IANA zone of this name. Raises ArgumentTypeError, naming what was wrong."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ArgumentTypeError(
            f"no time zone {name!r} on this machine (say Europe/Paris, or UTC)"
        ) from error


def add_timezone(parser: ArgumentParser) -> None:
    """Add `--timezone` to a command."""
    parser.add_argument(
        "--timezone",
        type=zone_named,
        metavar="ZONE",
        help="zone of time stamps that name none (default: this machine's)",
    )


def unknown_told(name: str, zones: Iterable[str]) -> str:
    """What to say of abbreviations that the zone of the setting does not have."""
    return (
        f"{name}: no time is read off stamps in {', '.join(sorted(zones))}, which the zone "
        "of the setting did not have then; --timezone says the right one"
    )
