"""Somebody who looks at the Live page: logs in over HTTP, holds its socket, reads frames.

Reconnects as static/live.js does. Reads the HTML that a browser would show, nothing else.
"""

from __future__ import annotations

import html
import json
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from benchmarks.product import Product

RECONNECT_SECONDS = 0.5
#: The source that is no log (`registrations.beacons.FEED`).
BEACONS = "app beacons"
ROW = re.compile(
    r'<li data-state="(?P<state>\w+)" data-device="(?P<device>\d+)"[^>]*>'
    r'.*?aria-label="(?P<strikes>\d+) of \d+ strikes".*?<p class="why">(?P<why>.*?)</p>',
    re.DOTALL,
)
OUTCOME = re.compile(
    r'<li [^>]*data-push="(?P<push>[\w-]+)"[^>]*>.*?</a>'
    r"\s*<span[^>]*>(?P<words>[^<]*)</span>\s*</li>",
    re.DOTALL,
)
SOURCE = re.compile(
    r"<b>(?P<feed>[^<]*)</b>.*?<span class=\"num[^>]*>(?P<words>[^<]*)</span>",
    re.DOTALL,
)
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Glance:
    """What the page shows at one moment (`seen_at`: seconds of the epoch).

    `board`: device → (state, strikes, evidence). `feed`: push → words. `sources`: feed → words.
    """

    seen_at: float
    at: datetime
    board: dict[int, tuple[str, int, str]]
    feed: dict[str, str]
    sources: dict[str, str]

    @property
    def is_fresh(self) -> bool:
        """True when every log source is at most a few seconds behind; beacons are no log."""
        words = [told for feed, told in self.sources.items() if feed != BEACONS]
        return bool(words) and all(re.fullmatch(r"[0-4]\.\d s", told) for told in words)

    def devices_in(self, state: str, strikes: int = 0) -> list[str]:
        """The evidence sentences of the devices in a state, with at least so many strikes."""
        return [
            why
            for found, count, why in self.board.values()
            if found == state and count >= strikes
        ]


def glance_of(regions: dict[str, str], at: datetime) -> Glance:
    """Read the regions of the page."""
    return Glance(
        seen_at=time.time(),
        at=at,
        board={
            int(row["device"]): (
                row["state"],
                int(row["strikes"]),
                html.unescape(TAG.sub("", row["why"])),
            )
            for row in ROW.finditer(regions["board"])
        },
        feed={row["push"]: row["words"] for row in OUTCOME.finditer(regions["feed"])},
        sources={
            row["feed"]: row["words"] for row in SOURCE.finditer(regions["sources"])
        },
    )


class Visitor:
    """A logged-in session. `newest` is the last glance; `on_glance` is told of each."""

    def __init__(self, url: str, name: str, password: str, on_glance=None) -> None:
        self._url, self._on_glance = url, on_glance
        self._cookies = CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self._cookies))
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.newest: Glance | None = None
        self._log_in(name, password)

    def __enter__(self) -> Visitor:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._is_over.set()
        self._thread.join(10)

    @property
    def socket_url(self) -> str:
        """Where the live socket is."""
        return self._url.replace("http:", "ws:") + "/ws/live/"

    @property
    def cookies(self) -> dict[str, str]:
        """The header that says who is logged in."""
        return {"Cookie": f"sessionid={self._cookie('sessionid')}"}

    def page(self) -> str:
        """The Live page as HTML."""
        with self._opener.open(self._url + "/", timeout=10) as page:
            return page.read().decode()

    def _log_in(self, name: str, password: str) -> None:
        self._opener.open(self._url + "/login/", timeout=10).close()
        fields = {
            "csrfmiddlewaretoken": self._cookie("csrftoken"),
            "username": name,
            "password": password,
        }
        request = Request(
            self._url + "/login/",
            urlencode(fields).encode(),
            {"Referer": self._url + "/login/", "Origin": self._url},
        )
        self._opener.open(request, timeout=10).close()
        assert self._cookie("sessionid"), "not signed in"

    def _cookie(self, name: str) -> str:
        return next((item.value for item in self._cookies if item.name == name), "")

    def _watch(self) -> None:
        while not self._is_over.is_set():
            try:
                self._read_frames()
            except (OSError, WebSocketException):
                self._is_over.wait(RECONNECT_SECONDS)

    def _read_frames(self) -> None:
        with connect(
            self.socket_url,
            additional_headers=self.cookies,
            origin=self._url,
            open_timeout=5,
            max_size=None,
        ) as socket:
            regions: dict[str, str] = {}
            while not self._is_over.is_set():
                frame = json.loads(socket.recv(timeout=5))
                at = datetime.fromisoformat(frame["at"])
                regions |= frame["regions"]
                self.newest = glance_of(regions, at)
                if self._on_glance is not None:
                    self._on_glance(self.newest)


def looking_at(product: Product, on_glance=None) -> Visitor:
    """Somebody of ops at the page of a demo."""
    return Visitor(product.url, "ops", product.password_of("ops"), on_glance)
