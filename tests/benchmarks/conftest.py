"""The short runs begin with a copy of services whose tables are made once."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from benchmarks.private_services import MODEL, ROOT, environment_of
from benchmarks.product import until


@pytest.fixture(scope="session", autouse=True)
def model(tmp_path_factory):
    """PostgreSQL and Redis with all tables, stopped; bin/test has made them already."""
    if MODEL in os.environ:
        yield
        return
    var = tmp_path_factory.mktemp("model")
    var.parent.parent.chmod(0o755)
    var.parent.chmod(0o755)
    var.chmod(0o755)
    command = [sys.executable, "-m", "pushdash.keeper", "run", sys.executable]
    command += ["manage.py", "migrate", "--verbosity=0"]
    subprocess.run(command, cwd=ROOT, env=environment_of(var), check=True)
    until(lambda: not (var / "postgres/postmaster.pid").exists())
    os.environ[MODEL] = str(var)
    yield
    del os.environ[MODEL]


@pytest.fixture
def printed(capfd):
    """Gives the rows that a bench printed; a bench without any fails with what it said."""

    def rows() -> list[dict]:
        out, said = capfd.readouterr()
        found = [json.loads(line) for line in out.splitlines() if line.startswith('{"')]
        assert found, f"the bench printed no row:\n{said}"
        return found

    return rows
