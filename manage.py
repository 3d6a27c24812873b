#!/usr/bin/env python
"""The one entry point of every pushdash command."""

import sys
from importlib import import_module

#: Commands that need neither services nor Django's apps, whose start takes longer than most
#: files do: name → module.
ALONE = {"parse": "registrations.management.commands.parse"}


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in ALONE:
        import_module(ALONE[name]).Command().run_from_argv(sys.argv)
    else:
        import_module("pushdash.commands").main()


if __name__ == "__main__":
    main()
