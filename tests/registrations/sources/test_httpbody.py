"""What collectors post, and what is refused with which status and line."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from registrations.formats.stamps import Stamps
from registrations.sources import httpbody
from registrations.sources.httpbody import BodyRefused, Line, lines_of, unpacked

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"message":"a"}\n\n{"message":"b"}', "application/x-ndjson"),
        (b'[{"message":"a"},\n{"message":"b\\n"}]', "application/json; charset=utf-8"),
        (b'{"log":"a"}{"log":"b"}', "application/json"),
        (b'{"log":"a"}\n{"MESSAGE":"b"}\n', "application/json"),
        (b'{"MESSAGE":[97]}\n{"MESSAGE":[98,10]}\n', "application/x-ndjson"),
    ],
)
def test_every_shape_of_json_gives_the_lines(body, kind):
    assert lines_of(body, kind) == [Line(b"a\n"), Line(b"b\n")]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/octet-stream"])
def test_raw_text_stays_as_it_is(kind):
    assert lines_of(b"a\r\nb", kind) == [Line(b"a\r\nb\n")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timestamp", "2026-11-24T12:00:00Z"),  # Vector
        ("@timestamp", "2026-11-24T13:00:00.000+01:00"),
        ("date", 1795521600.0),  # Fluent Bit, json_date_format double
        ("date", "2026-11-24T12:00:00.000000Z"),  # iso8601
        ("date", 1795521600000),  # epoch_ms
        ("__REALTIME_TIMESTAMP", "1795521600000000"),  # journald
        ("time", 1795521600000000000),
    ],
)
def test_the_collectors_time_stamp_is_read(field, value):
    body = json.dumps([{"log": "a", field: value}]).encode()
    (line,) = lines_of(body, "application/json")
    assert (line.text, line.moment(Stamps(UTC))) == (b"a\n", NOON)


def test_a_time_without_a_zone_is_of_the_feeds():
    body = b'{"log":"a","time":"2026-11-24 13:00:00"}'
    (line,) = lines_of(body, "application/json")
    assert line.moment(Stamps(ZoneInfo("Europe/Paris"))) == NOON


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        True,
        None,
        -5,
        {"x": 1},
        "9" * 400,
        float("inf"),
        float("nan"),
        10**300,
        "0001-01-01T00:00:00+14:00",
        "٣",
    ],
)
def test_an_odd_time_stamp_is_none(value):
    body = json.dumps({"log": "a", "date": value}).encode()
    (line,) = lines_of(body, "application/json")
    assert (line.text, line.moment(Stamps(UTC))) == (b"a\n", None)


@pytest.mark.parametrize(
    ("body", "kind", "line"),
    [
        (b'{"log":"a"}\n{"log":', "application/x-ndjson", 2),
        (b'{"log":"a"}\n\n7\n', "application/x-ndjson", 3),
        (b'{"log":"a"}\n{"text":"b"}\n', "application/x-ndjson", 2),
        (b'{"log":{"a":1}}', "application/x-ndjson", 1),
        (b'[{"log":"a"},\n{"log"]', "application/json", 2),
        (b'[{"log":"a"}, 5]', "application/json", 2),
        (b"[" * 100_000, "application/json", 1),
        (b"\xff\x00", "application/x-ndjson", 1),
    ],
)
def test_a_wrong_line_is_named_by_its_number(body, kind, line):
    with pytest.raises(BodyRefused) as refused:
        lines_of(body, kind)
    assert (refused.value.status, refused.value.line) == (400, line)


def test_other_media_types_and_encodings_are_refused():
    for call in (
        lambda: lines_of(b"", "application/msgpack"),
        lambda: unpacked([b""], "zstd"),
    ):
        with pytest.raises(BodyRefused) as refused:
            call()
        assert refused.value.status == 415


def test_packed_bodies_are_unpacked_in_any_pieces():
    text = b"line\n" * 1000
    for packed, encoding in (
        (gzip.compress(text), "gzip"),
        (zlib.compress(text), "deflate"),
        (text, ""),
    ):
        pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]
        assert unpacked(pieces, encoding) == text


def test_a_bomb_and_a_broken_body_are_refused(monkeypatch):
    monkeypatch.setattr(httpbody, "LONGEST_TEXT_BYTES", 10_000)
    for pieces, status in (
        ([gzip.compress(bytes(1_000_000))], 413),
        ([b"x" * 6000, b"x" * 6000], 413),
        ([gzip.compress(b"x")[:-4]], 400),
        ([b"no gzip"], 400),
    ):
        encoding = "" if pieces[0][:1] == b"x" else "gzip"
        with pytest.raises(BodyRefused) as refused:
            unpacked(pieces, encoding)
        assert refused.value.status == status
