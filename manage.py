#!/usr/bin/env python
"""The one entry point of every pushdash command."""

import os
import sys

import django
from django.core.management import call_command, execute_from_command_line

from pushdash import commands, embedded, keeper
from pushdash.binaries import NoProgram

#: Commands that work without a database; `up` owns its services itself.
NEED_NOTHING = {
    "check",
    "collectstatic",
    "help",
    "parse",
    "up",
    "version",
    "--version",
}
OVERVIEW = ([], ["--help"], ["-h"], ["help"])


def needs_services(arguments: list[str]) -> bool:
    """True for a command that reads or writes rows."""
    if arguments[0] in NEED_NOTHING:
        return False
    return not {"--help", "-h"} & set(arguments)


def start_services(command: str) -> None:
    """The private services, with all tables where a command of ours needs them."""
    try:
        keeper.use()
    except (embedded.CannotStart, NoProgram, OSError) as error:
        sys.exit(f"pushdash: {error}")
    if os.environ.get("DATABASE_URL"):
        return
    django.setup()
    if command in commands.ours() and not commands.has_all_tables():
        call_command("migrate", verbosity=0)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
    arguments = sys.argv[1:]
    if arguments in OVERVIEW:
        django.setup()
        sys.stdout.write(commands.overview() + "\n")
        return
    if needs_services(arguments):
        start_services(arguments[0])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
