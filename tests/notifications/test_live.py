"""The socket on a real uvicorn, with hints through a real Redis."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.visitor import glance_of
from notifications import live
from notifications.handling import settle
from tests import factories
from tests.people import person, session_of

pytestmark = pytest.mark.django_db(transaction=True)


def socket(base_url: str, session: str = "", origin: str = "", language: str = ""):
    """A socket opened as the browser would open it."""
    headers = {"Cookie": f"sessionid={session}"} if session else {}
    return connect(
        base_url.replace("http", "ws", 1) + f"/ws/live/?language={language}",
        origin=origin or base_url,
        additional_headers=headers,
    )


def closing_code(opened) -> int:
    """The code the server closes the socket with; frames before it are read away."""
    with pytest.raises(ConnectionClosed) as caught:
        while True:
            opened.recv(timeout=30)
    return caught.value.rcvd.code


def shown_until(opened, shown: dict[str, str], region: str, words: str) -> datetime:
    """Keep `shown` as the page does until its region holds the words; as of when that is."""
    for _ in range(60):
        frame = json.loads(opened.recv(timeout=30))
        shown |= frame["regions"]
        if words in shown[region]:
            return datetime.fromisoformat(frame["at"])
    raise AssertionError(f"{words!r} did not come in 60 frames")


def test_nobody_gets_4401(base_url):
    with socket(base_url) as opened:
        assert closing_code(opened) == 4401


def test_a_login_without_the_right_to_see_gets_4403(base_url):
    with socket(base_url, session_of(person("nobody"))) as opened:
        assert closing_code(opened) == 4403


def test_a_page_of_another_site_gets_no_socket(base_url):
    session = session_of(person("olga", "see"))
    with (
        pytest.raises(Exception, match="HTTP 403"),
        socket(base_url, session, "https://evil.example"),
    ):
        pass


def test_the_whole_picture_comes_first_and_every_frame_is_newer(base_url):
    factories.feed("edge-1", seen_until=timezone.now())
    with socket(base_url, session_of(person("olga", "see"))) as opened:
        frames = [json.loads(opened.recv(timeout=30)) for _ in range(3)]
    assert set(frames[0]["regions"]) == set(live.REGIONS)
    assert "edge-1" in frames[0]["regions"]["sources"]
    assert frames[0]["seq"] < frames[1]["seq"] < frames[2]["seq"]


def test_each_socket_gets_the_language_of_its_page(base_url):
    session = session_of(person("olga", "see"))
    words = {}
    with ExitStack() as stack:
        for language in ("fr", "en", "xx"):
            opened = stack.enter_context(socket(base_url, session, language=language))
            words[language] = json.loads(opened.recv(timeout=30))["regions"]["kpis"]
    assert "Appareils enregistrés" in words["fr"]
    assert "Devices registered" in words["en"]
    assert "Devices registered" in words["xx"]


def test_what_did_not_change_is_not_sent_again(base_url):
    factories.app()
    factories.feed("edge-1", seen_until=timezone.now())
    device = factories.registered_device("sip:bob@example.org")
    with socket(base_url, session_of(person("olga", "see"))) as opened:
        frames = [json.loads(opened.recv(timeout=30)) for _ in range(3)]
        assert all("board" not in frame["regions"] for frame in frames[1:])
        factories.accepted_push(device, timezone.now())
        live.announce("verdicts", [])
        shown: dict[str, str] = {}
        while "feed" not in shown:
            shown |= json.loads(opened.recv(timeout=30))["regions"]
    assert "bob" in shown["feed"]
    assert "board" not in shown


def test_a_new_verdict_reaches_an_open_socket(base_url):
    moment = timezone.now() - timedelta(seconds=50)
    feed = factories.feed(seen_until=moment)
    factories.accepted_push(factories.registered_device("sip:bob@example.org"), moment)
    with socket(base_url, session_of(person("olga", "see"))) as opened:
        shown: dict[str, str] = {}
        shown_until(opened, shown, "feed", "bob")
        assert "did not wake" not in shown["feed"]
        feed.seen_until = timezone.now()
        feed.save()
        settle(timezone.now())
        live.announce("verdicts", [])
        at = shown_until(opened, shown, "feed", "did not wake")
    seen = glance_of(shown, at)
    assert "bob" in shown["board"]
    ((state, strikes, why),) = seen.board.values()
    assert (state, strikes) == ("silent", 1)
    assert why.startswith("1 VoIP push accepted, 0 wakes")
    assert list(seen.feed.values()) == ["did not wake"]
    assert seen.is_fresh


def test_taking_the_right_away_closes_an_open_socket(base_url):
    user = person("olga", "see")
    with socket(base_url, session_of(user)) as opened:
        opened.recv(timeout=30)
        user.user_permissions.clear()
        assert closing_code(opened) == 4403


def test_a_session_that_ended_closes_an_open_socket(base_url):
    loggedout, renewed, removed = (person(name, "see") for name in ("ann", "bo", "cy"))
    with ExitStack() as stack:
        sessions = [session_of(user) for user in (loggedout, renewed, removed)]
        opened = [stack.enter_context(socket(base_url, one)) for one in sessions]
        for one in opened:
            one.recv(timeout=30)
        Session.objects.filter(session_key=sessions[0]).delete()
        renewed.set_password("another one")
        renewed.save()
        removed.is_active = False
        removed.save()
        assert [closing_code(one) for one in opened] == [4401] * 3


def test_a_frame_says_when_its_rows_were_read(base_url):
    factories.feed(seen_until=timezone.now())
    with socket(base_url, session_of(person("olga", "see"))) as opened:
        opened.recv(timeout=30)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE notifications_ledger IN ACCESS EXCLUSIVE MODE")
            # What was on its way comes; the next round waits for the table.
            with suppress(TimeoutError):
                while True:
                    opened.recv(timeout=2)
        frame = json.loads(opened.recv(timeout=30))
        # What it shows began to be read before that.
        age = timezone.now() - datetime.fromisoformat(frame["at"])
        assert age > timedelta(seconds=1)


def glimpse(reader: live.Reader, now: datetime) -> dict[str, str]:
    """Region → HTML, in English."""
    return {name: html for (_, name), html in reader.read(now, ["en"]).items()}


def test_what_moves_slowly_is_not_read_each_time():
    reader, now = live.Reader(), timezone.now()
    first = glimpse(reader, now)
    device = factories.registered_device("sip:bob@example.org")
    sent_at = now - timedelta(seconds=1)
    factories.accepted_push(device, sent_at, push_type="alert")
    factories.accepted_push(device, sent_at)
    soon = glimpse(reader, now + timedelta(seconds=0.25))
    assert "bob" in soon["feed"]
    assert soon["outcomes"] == first["outcomes"]
    assert soon["kpis"] != first["kpis"]
    later = glimpse(reader, now + timedelta(seconds=0.5))
    assert later["outcomes"] != first["outcomes"]


def test_a_region_carries_no_indents():
    factories.registered_device()
    assert "\n " not in "".join(glimpse(live.Reader(), timezone.now()).values())


def test_a_hint_without_redis_is_only_logged(settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    live.announce("verdicts", [1])
    assert "hint not sent" in caplog.text


def test_an_unforeseen_error_ends_the_page_for_nobody(monkeypatch, caplog):
    fails = [KeyError("a row nobody thought of")]

    def read(reader, now, languages):
        if fails:
            raise fails.pop()
        return {("en", name): "<p>" for name in live.REGIONS}

    class Deaf(live.Hub):
        """Leaves no connection to Redis behind when its loop ends."""

        async def _listen(self) -> None:
            await asyncio.sleep(3600)

    async def first_frame() -> tuple[int, str]:
        hub = Deaf()
        hub.join("en")
        try:
            return await asyncio.wait_for(hub.next_frame("en", 0), 30)
        finally:
            hub.leave("en")
            await asyncio.gather(*hub._tasks, return_exceptions=True)

    monkeypatch.setattr(live, "_read", read)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    with ThreadPoolExecutor(1) as pool:
        # The loop of the browser tests may run in this thread.
        assert pool.submit(lambda: asyncio.run(first_frame())).result()[0] == 1
    assert "live view cannot be made" in caplog.text


def test_readers_of_every_language_and_clock_share_the_rows():
    factories.registered_device()
    now, readers = timezone.now(), ["en", "fr", "fr Europe/Paris"]
    with CaptureQueriesContext(connection) as alone:
        live.Reader().read(now, readers[:1])
    with CaptureQueriesContext(connection) as together:
        found = live.Reader().read(now, readers)
    assert len(together) == len(alone)
    assert "Devices registered" in found["en", "kpis"]
    assert "Appareils enregistrés" in found["fr", "kpis"]
