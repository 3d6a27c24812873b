"""Our own log lines: one line each, tokens masked, nothing that a terminal obeys."""

from __future__ import annotations

import logging

from pushdash.logs import LineFormatter, MaskTokens


def line(message: str, **facts) -> str:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", **facts})
    MaskTokens().filter(record)
    return LineFormatter().format(record)


def test_a_record_is_one_line_whatever_its_facts_hold():
    text = line("push accepted", aor="sip:a\r\nERROR forged\x1b[31m\u202e@example.org")
    assert text.isprintable()
    assert r"aor=sip:a\r\nERROR forged\x1b[31m\u202e@example.org" in text


def test_tokens_are_masked_in_message_and_facts():
    token = "a1" * 32
    text = line(f"sent to {token}", token=token)
    assert token not in text
    assert text.count("a1a1a1…a1a1") == 2
