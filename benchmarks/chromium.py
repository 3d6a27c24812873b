"""The Chromium of this machine, for tests, pictures and the paint of pages."""

from __future__ import annotations

import os
import shutil

#: The first is Chromium without windows of its own: the same pages in two thirds of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class NoChromium(RuntimeError):
    """None is installed."""


def launched(playwright):
    """A browser started by that Playwright. CHROMIUM names another program than the usual.

    Raises NoChromium.
    """
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), ""
    )
    if not found:
        raise NoChromium(
            "no Chromium found: Debian has it as the package chromium-headless-shell"
        )
    flags = ["--disable-gpu"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
    return playwright.chromium.launch(executable_path=found, args=flags)
