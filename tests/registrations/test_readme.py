"""What README and the empty Live page tell a newcomer to do reads what their servers write."""

from __future__ import annotations

import html
import io
import json
import re
import shlex
from pathlib import Path

import pytest
from django.core.management import call_command

from registrations.management.commands.ingest import Command

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("README.md", "templates/notifications/empty.html")
PYTHON = ".venv/bin/python manage.py ingest "
STAMP = "Nov 27 12:00:01 vm /usr/sbin/kamailio[4349]: "
REGISTER = (
    "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\n"
    "From: <sip:alice@example.org>;tag=1\r\nTo: <sip:alice@example.org>\r\n"
    "Call-ID: c1\r\nCSeq: 1 REGISTER\r\nContact: <sip:alice@192.0.2.1>\r\n"
    "Content-Length: 0\r\n\r\n"
)


def told(place: str) -> list[str]:
    """The ingest commands of a page, lines that go on joined."""
    text = html.unescape((ROOT / place).read_text()).replace("\\\n", "")
    return re.findall(r"[\w./ -]*manage\.py ingest [^`\n<\"]+", text)


def printed() -> str:
    """What the xlog line of README prints, as Kamailio itself writes it."""
    (xlog,) = re.findall(r'"(RECEIVED .*)"', (ROOT / "README.md").read_text())
    values = {"$proto": "udp", "$si": "192.0.2.1", "$sp": "5060", "$mb": REGISTER}
    for name, value in (values | {"$ml": str(len(REGISTER)), "\\n": "\n"}).items():
        xlog = xlog.replace(name, value)
    return f"INFO: <script>: {xlog}"


def in_syslog(text: str) -> str:
    return STAMP + text.replace("\r", "#015").replace("\n", "#012") + "\n"


@pytest.mark.parametrize("place", PLACES)
def test_the_commands_can_be_pasted_and_leave_the_format_to_pushdash(place):
    commands = told(place)
    assert commands
    for command in commands:
        assert command.strip().startswith(PYTHON)
        words = shlex.split(command.strip())[3:]
        parsed = Command().create_parser("manage.py", "ingest").parse_args(words)
        assert parsed.format is None


@pytest.mark.parametrize("stored", [lambda text: " 1(31548) " + text, in_syslog])
def test_what_the_xlog_line_prints_is_read(stored, tmp_path):
    log = tmp_path / "kamailio.log"
    log.write_bytes((stored(printed()) * 2).encode())
    out = io.StringIO()
    call_command("parse", str(log), stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row.get("aor") for row in rows] == ["sip:alice@example.org"] * 2
    assert rows[0]["source"] == "udp:192.0.2.1:5060"
