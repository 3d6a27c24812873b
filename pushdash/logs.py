"""How our own log lines look: one line, facts as key=value, tokens masked (P5),
nothing in it that a terminal would obey."""

from __future__ import annotations

import logging
import re

from registrations.storable import clean

#: A device token is hex of at least 64 characters (APNS.md A5).
TOKEN = re.compile(r"\b[0-9A-Fa-f]{64,}\b")
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "data",
}


def mask(text: str) -> str:
    """`text` with every device token cut to its first 6 and last 4 characters."""
    return TOKEN.sub(lambda found: f"{found[0][:6]}…{found[0][-4:]}", text)


class MaskTokens(logging.Filter):
    """Masks tokens in the message and in the facts of a record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = mask(record.getMessage())
        record.args = None
        for key, value in vars(record).items():
            if key not in STANDARD and isinstance(value, str):
                setattr(record, key, mask(value))
        return True


class LineFormatter(logging.Formatter):
    """`2026-11-24T08:00:00 INFO notifications.delivery push accepted push=… apns_id=…`."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S"
        )

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = [
            f"{key}={clean(str(value))}"
            for key, value in vars(record).items()
            if key not in STANDARD
        ]
        return " ".join([clean(super().formatMessage(record)), *facts])

    def formatException(self, ei) -> str:
        return mask(super().formatException(ei))
