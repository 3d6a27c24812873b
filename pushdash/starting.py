"""Before a command that reads or writes rows: the private services, and all tables.

`manage.py` loads it for such commands alone: drivers and migrations take a quarter of a second.
"""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pushdash import commands, embedded, keeper
from pushdash.binaries import NoProgram


def start_services(command: str) -> None:
    """The private services, with all tables where a command of ours needs them."""
    try:
        keeper.use()
    except (embedded.CannotStart, NoProgram, OSError) as error:
        sys.exit(f"pushdash: {error}")
    if os.environ.get("DATABASE_URL"):
        return
    django.setup()
    if command in commands.ours() and not has_all_tables():
        call_command("migrate", verbosity=0)


def has_all_tables() -> bool:
    """True when no migration of ours or Django's is missing in the database."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
