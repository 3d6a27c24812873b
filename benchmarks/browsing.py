"""A person who reads pages over HTTP, what they weigh, and when a browser shows them."""

from __future__ import annotations

import gzip
import http.client
import re
import threading
from urllib.parse import urlsplit

from benchmarks import chromium
from benchmarks.visitor import Visitor

#: What a browser fetches with a page, beside what a style sheet names.
ASSET = re.compile(r'(?:src|href)="(/static/[^"]+)"')
#: A page that takes longer ends the run: the machine cannot keep the pace.
PATIENCE_SECONDS = 300
PAINT_LOOK_MS = 20
PAINT = "performance.getEntriesByName('first-contentful-paint').map((one) => one.startTime)[0]"


class Reader:
    """Somebody who is logged in; each thread keeps a connection."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self.cookies = Visitor(url, name, password).cookies
        self._kept = threading.local()

    def read(self, address: str) -> bytes:
        """The body; a redirect is followed once. Raises RuntimeError for an error page."""
        status, body, place = self._get(address)
        if status in {301, 302}:
            status, body, _ = self._get(place)
        if status != 200:
            raise RuntimeError(f"{address} was answered {status}")
        return body

    def _get(self, address: str) -> tuple[int, bytes, str]:
        if not hasattr(self._kept, "http"):
            parts = urlsplit(self.url)
            self._kept.http = http.client.HTTPConnection(
                parts.hostname, parts.port, timeout=PATIENCE_SECONDS
            )
        try:
            return self._asked(address)
        except http.client.RemoteDisconnected:
            # The server closes what was idle for 5 s: the next request dials anew.
            self._kept.http.close()
            return self._asked(address)

    def _asked(self, address: str) -> tuple[int, bytes, str]:
        self._kept.http.request("GET", address, headers=self.cookies)
        answer = self._kept.http.getresponse()
        return answer.status, answer.read(), answer.getheader("Location", "")


def weights(reader: Reader, pages: dict) -> tuple[float, dict[str, float]]:
    """KB gzip of the heaviest first page with all it loads, and of each page after that."""
    after, assets = {}, set()
    for name, address in pages.items():
        body = reader.read(address)
        after[name] = _kilobytes(body)
        assets |= set(ASSET.findall(body.decode()))
    loaded = sum(_kilobytes(reader.read(asset)) for asset in sorted(assets))
    return round(max(after.values()) + loaded, 1), after


def _kilobytes(body: bytes) -> float:
    return round(len(gzip.compress(body, 6)) / 1000, 1)


def first_paint(reader: Reader, addresses: dict[str, str]) -> dict[str, float]:
    """page → milliseconds to the first contentful paint in a Chromium that is awake, nothing
    cached.
    """
    # The tests' browser; whoever only asks for figures of the server needs none.
    from playwright.sync_api import sync_playwright

    key = reader.cookies["Cookie"].partition("=")[2]
    with sync_playwright() as playwright:
        browser = chromium.launched(playwright)
        browser.new_page().goto(f"{reader.url}/login/")
        paints = {}
        for name, address in addresses.items():
            context = browser.new_context()
            context.add_cookies(
                [{"name": "sessionid", "value": key, "url": reader.url}]
            )
            page = context.new_page()
            page.goto(reader.url + address)
            # The pages' own policy forbids `wait_for_function` to make code of a text.
            while (painted := page.evaluate(f"{PAINT} ?? null")) is None:
                page.wait_for_timeout(PAINT_LOOK_MS)
            paints[name] = round(painted)
            context.close()
        browser.close()
    return paints
