"""Log lines posted over HTTP become the rows a file of them would."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from registrations.feeds import close_feed, open_feed
from registrations.models import Device, Feed, LogFile, Registration, Sighting
from tests.corpora import CORPORA, needs_corpora
from tests.registrations.logs import FlexisipLog, contact, plain, register

pytestmark = pytest.mark.django_db
ADDRESS = "/api/v1/logs/proxy"


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def token(*options: str) -> str:
    out = StringIO()
    call_command("feed_token", "proxy", *options, stdout=out)
    return out.getvalue().strip()


def post(client, body: bytes, key: str, kind: str = "text/plain", **headers):
    headers = {"authorization": f"Bearer {key}", **headers}
    return client.post(ADDRESS, body, content_type=kind, headers=headers)


def person(number: int) -> str:
    return register(
        call_id=f"call-{number}",
        aor=f"sip:user{number}@example.org",
        contacts=(contact(voip=f"{number:064x}", remote=f"{number + 10**6:064x}"),),
    )


def test_a_posted_log_is_stored_when_it_is_answered(client):
    answer = post(client, plain(person(1), person(2)), token())
    assert answer.status_code == 200
    assert answer.json() == {"lines": 1, "registers": 2}
    assert Device.objects.count() == 2
    assert Registration.objects.filter(feed__name="proxy").count() == 2
    feed = Feed.objects.get()
    assert feed.kind == Feed.Kind.HTTP and feed.followed and feed.seen_until


def test_packed_json_lines_of_a_collector_carry_the_moment(client):
    text = plain(person(1)).decode()
    at = "2026-11-24T09:00:00.5Z"
    entries = [{"message": line, "timestamp": at} for line in text.split("\n")]
    body = gzip.compress("\n".join(json.dumps(one) for one in entries).encode())
    answer = post(
        client,
        body,
        token(),
        "application/x-ndjson",
        **{"content-encoding": "gzip"},
    )
    assert answer.json()["registers"] == 1
    moment = datetime(2026, 11, 24, 9, 0, 0, 500_000, tzinfo=UTC)
    assert Sighting.objects.get().moment == moment
    assert not Sighting.objects.get().estimated
    assert Feed.objects.get().seen_until == moment


@pytest.mark.parametrize(
    "entry",
    [
        {"time": "Nov 23 19:36:17"},
        {"time": "2026-11-23 19:36:17"},
        {"ts": 1795462577},
        {"@timestamp": "2026-11-23T19:36:17Z", "timestamp": "2025-01-01T00:00:00Z"},
    ],
)
def test_json_lines_have_the_moment_they_have_in_a_file(client, tmp_path, entry):
    path, key, kind = tmp_path / "a.json", token(), "application/x-ndjson"
    text = f"RECEIVED REGISTER from x\n{register()}"
    path.write_text(json.dumps({**entry, "message": text, "log": "other"}) + "\n")
    options = {"feed": "file", "format": "json", "stderr": StringIO()}
    call_command("ingest", str(path), timezone=ZoneInfo("Europe/Paris"), **options)
    (expected,) = Sighting.objects.values_list("moment", "estimated")
    Device.objects.all().delete()
    Feed.objects.filter(name="proxy").update(timezone="Europe/Paris")

    assert post(client, path.read_bytes(), key, kind).json()["registers"] == 1
    assert Sighting.objects.values_list("moment", "estimated").get() == expected


@pytest.mark.parametrize("count", [1, 3, 10])
def test_a_message_that_lies_across_requests_is_read_once(client, count):
    key, lines = token(), plain(person(1), person(2)).splitlines(keepends=True)
    for start in range(0, len(lines), count):
        answer = post(client, b"".join(lines[start : start + count]), key)
        assert answer.status_code == 200
    assert Device.objects.count() == 2
    assert Registration.objects.count() == Sighting.objects.count() == 2


def test_lines_posted_one_a_request_are_one_log(client):
    key = token()
    log = plain(person(1), person(2)).decode()
    for line in log.split("\n"):
        body = json.dumps([{"log": line, "date": 1795510800.25}]).encode()
        assert post(client, body, key, "application/json").status_code == 200
    assert Device.objects.count() == 2
    assert Registration.objects.count() == 2
    assert set(Sighting.objects.values_list("moment", flat=True)) == {
        datetime.fromtimestamp(1795510800.25, UTC)
    }


def test_a_flexisip_log_in_pieces_waits_for_its_answers(client):
    log = FlexisipLog()
    log.request(1, register()).reply(1.1, 401)
    log.request(1.2, register(cseq=2, authorized=True), "0x2").reply(1.3, 200, "0x2")
    key, lines = token(), log.bytes.splitlines(keepends=True)
    for start in range(0, len(lines), 3):
        assert post(client, b"".join(lines[start : start + 3]), key).status_code == 200
    assert Registration.objects.count() == 1
    assert LogFile.objects.get().format == "flexisip"


@needs_corpora
def test_a_corpus_posted_in_pieces_gives_what_the_file_gives(client, tmp_path):
    path = CORPORA / "linphone53-kamailio/kamailio_mb.log"
    call_command("ingest", str(path), "--feed", "file", stderr=StringIO())
    fields = ("aor", "instance_id", "contact", "bound", "call_id", "cseq")
    expected = sorted(map(str, Device.objects.values_list(*fields)))
    count = Registration.objects.count()
    Device.objects.all().delete()

    key, lines = token(), path.read_bytes().splitlines(keepends=True)
    for start in range(0, len(lines), 100):
        assert (
            post(client, b"".join(lines[start : start + 100]), key).status_code == 200
        )
    assert sorted(map(str, Device.objects.values_list(*fields))) == expected
    assert Registration.objects.filter(feed__name="proxy").count() == count


def test_a_wrong_line_is_named_and_nothing_of_its_body_is_stored(client):
    good = json.dumps({"message": plain(person(1)).decode()})
    body = f"{good}\n{{broken\n".encode()
    answer = post(client, body, token(), "application/x-ndjson")
    assert (answer.status_code, answer.json()["line"]) == (400, 2)
    assert not Device.objects.exists()


def test_only_the_token_of_this_feed_opens_it(client):
    key = token()
    assert post(client, b"", "wrong").status_code == 401
    assert post(client, b"", "").status_code == 401
    assert client.post(ADDRESS, b"", content_type="text/plain").status_code == 401
    assert client.get(ADDRESS).status_code == 405
    other = client.post(
        "/api/v1/logs/other",
        b"",
        "text/plain",
        headers={"authorization": f"Bearer {key}"},
    )
    assert other.status_code == 401 and other["WWW-Authenticate"] == "Bearer"
    assert post(client, b"", key).status_code == 200


def test_a_new_token_voids_the_old_one_and_neither_is_stored(client):
    old, new = token(), token()
    assert post(client, b"", old).status_code == 401
    assert post(client, b"", new).status_code == 200
    assert new not in str(Feed.objects.values())
    call_command("feed_token", "proxy", "--revoke")
    assert post(client, b"", new).status_code == 401


def test_a_feed_of_files_gets_no_token():
    close_feed(open_feed("proxy", "/var/log/x"))
    with pytest.raises(CommandError, match="another kind"):
        token()


def test_lines_of_no_known_log_are_told_after_a_heartbeat_and_no_more_once_one_is(
    client, caplog
):
    key, noise = token(), b"hello\n" * 3
    assert post(client, noise, key).status_code == 200
    assert Feed.objects.get().trouble == ""
    LogFile.objects.update(opened_at=datetime(2026, 1, 1, tzinfo=UTC))
    words = "proxy: 36 bytes read, no line looks like a known log"
    for _ in range(3):
        post(client, noise, key)
        assert Feed.objects.get().trouble == words
    assert [one.message for one in caplog.records].count("feed in trouble") == 1
    assert post(client, plain(person(1)), key).json()["registers"] == 1
    assert Feed.objects.get().trouble == ""
    post(client, noise, key)
    assert Feed.objects.get().trouble == ""
