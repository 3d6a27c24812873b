#!/usr/bin/env python
"""The one entry point of every pushdash command."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
