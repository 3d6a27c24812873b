"""An INVITE on its way to a phone, and what came back through its branch."""

from __future__ import annotations

from registrations.formats.record import Branch, Response
from tests.registrations.logs import MORNING

AOR = "sip:alice@sip.example.org"
HOST = "203.0.113.9:50412"


def branch(**changes) -> Branch:
    facts = {
        "position": 0,
        "at": MORNING,
        "branch": "z9hG4bK.1",
        "call_id": "c1",
        "target": f"sip:alice@{HOST}",
        "to_aor": AOR,
        "from_aor": "sip:bob@sip.example.org",
        "contact": "sip:bob@198.51.100.4:5060",
    }
    return Branch(**facts | changes)


def response(status: int = 180, **changes) -> Response:
    facts = {
        "position": 9,
        "at": MORNING,
        "branch": "z9hG4bK.1",
        "call_id": "c1",
        "status": status,
        "instance_id": None,
        "source": None,
        "line": f"SIP/2.0 {status} Ringing",
    }
    return Response(**facts | changes)
