"""The option `--xlog`: how the operator's server prints a REGISTER in one line."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

from registrations.formats.xlog import BadTemplate, Template


def template_of(text: str) -> Template:
    """The template of this text. Raises ArgumentTypeError, naming what was wrong."""
    try:
        return Template(text)
    except BadTemplate as error:
        raise ArgumentTypeError(str(error)) from error


def add_xlog(parser: ArgumentParser) -> None:
    """Add `--xlog` to a command."""
    parser.add_argument(
        "--xlog",
        type=template_of,
        metavar="TEMPLATE",
        help="a REGISTER in one line of Kamailio's or OpenSIPS' log, with fields like "
        "{to} {call_id} {cseq} {contact} (default: the shape of docs/sources.md)",
    )
