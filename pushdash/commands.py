"""Django's commands, with private services under those that need some."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from pushdash import embedded, keeper
from pushdash.binaries import NoProgram

#: Commands that work without a database; `up` owns its services itself.
NEED_NOTHING = {
    "check",
    "collectstatic",
    "help",
    "up",
    "version",
    "--help",
    "--version",
    "-h",
}


def needs_services(arguments: list[str]) -> bool:
    """True for a command that reads or writes rows."""
    if not arguments or arguments[0] in NEED_NOTHING:
        return False
    return not {"--help", "-h"} & set(arguments)


def main() -> None:
    """Run the command of `sys.argv`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
    if needs_services(sys.argv[1:]):
        try:
            keeper.use()
        except (embedded.CannotStart, NoProgram, OSError) as error:
            sys.exit(f"pushdash: {error}")
    execute_from_command_line(sys.argv)
