"""Renews the pictures of the documentation from a demo: `bin/screenshots`.

Each main page at three widths, the others at two, light and dark.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import chromium

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "screenshots"
SIZES = ((1440, 900), (1024, 768), (390, 844))
#: Other strike rules, tried on the calls of a day.
OTHER_RULES = (
    "threshold=2&wake_window=3&grace=5&late_window=90&reach_window=900"
    "&foreground_window=20&release_after=86400&since=24h"
)
#: Of pages that people open less often.
FEWER = (SIZES[0], SIZES[2])
THEMES = ("light", "dark")
LOGIN = re.compile(r"log in as (?P<user>\S+)\s+password (?P<password>\S+)")
START_SECONDS, RISK_SECONDS = 180, 300
#: JPEG: a tenth of a PNG's bytes, in a repository that keeps every version.
QUALITY = 60
#: Where the house stands on this machine is nobody's business: [its folder, what is shown].
ELSEWHERE = [str(ROOT), "/opt/pushdash"]
MOVE = """([from, to]) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    walker.currentNode.data = walker.currentNode.data.replaceAll(from, to);
  }
}"""


PAGES = (
    "live",
    "devices",
    "device",
    "pushes",
    "push",
    "failures",
    "fleet",
    "settings",
    "case",
)
OTHERS = ("malformed", "audit", "bulk", "compare", "what-if")
#: Taken by nobody who is logged in.
LOGIN_PAGE = "login"


def main(arguments: list[str]) -> int:
    """Take every picture; 1 when the demo showed nobody at risk in time."""
    parser = argparse.ArgumentParser(prog="bin/screenshots", description=__doc__)
    parser.add_argument("--url", help="a demo that runs already")
    parser.add_argument("--user", default="admin", help="who logs in")
    parser.add_argument("--port", type=int, default=8031, help="of a demo of our own")
    every = (*PAGES, *OTHERS, LOGIN_PAGE)
    parser.add_argument("--pages", nargs="+", choices=every, default=every)
    asked = parser.parse_args(arguments)
    wanted = set(asked.pages)
    if asked.url:
        password = os.environ.get("PUSHDASH_PASSWORD", "")
        return take(asked.url, asked.user, password, wanted)
    with _demo(asked.port) as logins:
        url = f"http://127.0.0.1:{asked.port}"
        return take(url, asked.user, logins[asked.user], wanted)


def take(url: str, user: str, password: str, wanted: set[str]) -> int:
    """Log in and take the pictures of these pages."""
    with sync_playwright() as playwright:
        browser = chromium.launched(playwright)
        page = _logged_in(browser, url, user, password)
        if not _wait_for_risk(page):
            sys.stderr.write("pushdash: no phone is suspected yet; try again later\n")
            return 1
        PICTURES.mkdir(exist_ok=True)
        paths = _paths(page)
        nobody = browser.new_page(base_url=url)
        for names, sizes, by in (
            (PAGES, SIZES, page),
            (OTHERS, FEWER, page),
            ([LOGIN_PAGE], FEWER, nobody),
        ):
            shown = [name for name in names if name in wanted]
            for name, size, theme in product(shown, sizes, THEMES):
                _take(by, name, paths[name], size, theme)
        browser.close()
    return 0


def _logged_in(browser: Browser, url: str, user: str, password: str) -> Page:
    page = browser.new_page(base_url=url)
    page.goto("/login/")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("/")
    return page


def _wait_for_risk(page: Page) -> bool:
    deadline = time.monotonic() + RISK_SECONDS
    while time.monotonic() < deadline:
        page.goto("/")
        if page.locator("li[data-state=suspected]").count():
            return True
        time.sleep(5)
    return False


def _paths(page: Page) -> dict[str, str]:
    """The lists, and the device and push that show most: two strikes, else the first."""
    rows = page.locator("li[data-state=not_waking], li[data-state=suspected]")
    two = rows.filter(has=page.get_by_label("2 of 3 strikes"))
    chosen = two.first if two.count() else rows.first
    device = chosen.locator("a.aor").get_attribute("href")
    page.goto(device)
    push = page.locator(".pd-slot a[href^='/pushes/']").last.get_attribute("href")
    names = ("devices", "pushes", "failures", "fleet", "settings")
    lists = {name: f"/{name}/" for name in names}
    case = push.partition("?")[0] + "case"
    found = {"live": "/", "device": device, "push": push, "case": case}
    return lists | found | _other_paths(page, push)


def _other_paths(page: Page, push: str) -> dict[str, str]:
    """Two pushes of that phone, other rules for its app, and what an export leaves behind."""
    page.goto("/pushes/?outcome=woken")
    woken = page.locator("main td a[href^='/pushes/']").first.get_attribute("href")
    pair = [address.split("/")[2] for address in (push, woken)]
    page.goto("/settings/")
    rules = page.locator("main a[href$='/what-if/']").first.get_attribute("href")
    for name in ("devices", "pushes"):
        page.request.get(f"/export/{name}.csv")
    return {
        LOGIN_PAGE: "/login/",
        "malformed": "/malformed/",
        "audit": "/audit/",
        "bulk": "/pushes/resend/?all=1&kind=alert&outcome=asleep",
        "compare": f"/pushes/compare/?push={pair[0]}&push={pair[1]}",
        "what-if": f"{rules}?{OTHER_RULES}",
    }


def _take(page: Page, name: str, path: str, size: tuple[int, int], theme: str) -> None:
    width, height = size
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size({"width": width, "height": height})
    page.goto(path)
    if name == "live":
        page.locator("[data-conn][data-state=live]").wait_for()
    page.evaluate(MOVE, ELSEWHERE)
    target = PICTURES / f"{name}-{width}-{theme}.jpg"
    page.screenshot(path=target, type="jpeg", quality=QUALITY)


@contextmanager
def _demo(port: int) -> Iterator[dict[str, str]]:
    """A demo of our own; gives user → password, as it prints them."""
    command = [ROOT / "bin" / "up", "--demo", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        logins = _logins(process)
        _wait_for_page(f"http://127.0.0.1:{port}/healthz")
        yield logins
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _logins(process: subprocess.Popen) -> dict[str, str]:
    found: dict[str, str] = {}
    deadline = time.monotonic() + START_SECONDS
    for line in process.stdout:
        match = LOGIN.search(line)
        if match is not None:
            found[match["user"]] = match["password"]
        if len(found) == 3 or time.monotonic() > deadline:
            break
    return found


def _wait_for_page(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(f"{url} did not answer within {START_SECONDS} s")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
