#!/usr/bin/env python
"""The one entry point of every pushdash command."""

import os
import sys
from importlib import import_module

import django
from django.core.management import execute_from_command_line

from pushdash import commands

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
#: Commands that use nothing of Django but its options: no app is loaded for them.
STAND_ALONE = {"parse": "registrations.management.commands.parse"}
OVERVIEW = ([], ["--help"], ["-h"], ["help"])


def needs_services(arguments: list[str]) -> bool:
    """True for a command that reads or writes rows."""
    if arguments[0] in NEED_NOTHING:
        return False
    return not {"--help", "-h"} & set(arguments)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
    arguments = sys.argv[1:]
    if arguments in OVERVIEW:
        django.setup()
        sys.stdout.write(commands.overview() + "\n")
        return
    if arguments[0] in STAND_ALONE:
        import_module(STAND_ALONE[arguments[0]]).Command().run_from_argv(sys.argv)
        return
    if needs_services(arguments):
        import_module("pushdash.starting").start_services(arguments[0])
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
