"""Pages and style sheets leave compressed; streamed files and answers to POST do not."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.conf import settings

from tests.notifications.people import browser_of

GZIP = {"accept-encoding": "gzip, br"}
STYLES = "/static/vendor/tabler.min.css"


@pytest.mark.django_db
def test_a_page_is_compressed_for_who_takes_it():
    browser = browser_of("ops")
    packed = browser.get("/devices/?q=", headers=GZIP)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert b"</html>" in gzip.decompress(packed.content)
    plain = browser.get("/devices/?q=")
    assert "Content-Encoding" not in plain.headers
    assert "Accept-Encoding" in plain.headers["Vary"]


@pytest.mark.django_db
def test_answers_to_a_form_and_files_of_rows_are_not_compressed():
    browser = browser_of("admin")
    answers = [
        browser.post("/settings/apps/", {}, headers=GZIP),
        browser.get("/export/devices.csv", headers=GZIP),
    ]
    assert [one.status_code for one in answers] == [422, 200]
    assert not any("Content-Encoding" in one.headers for one in answers)
    answers[1].close()


def test_a_style_sheet_is_compressed_and_the_same(client):
    file = Path(settings.BASE_DIR, "static/vendor/tabler.min.css").read_bytes()
    packed = client.get(STYLES, headers=GZIP)
    assert int(packed.headers["Content-Length"]) == len(packed.content) < 100_000
    assert gzip.decompress(packed.content) == file
    plain = client.get(STYLES)
    assert b"".join(plain.streaming_content) == file
    plain.close()


def test_a_style_sheet_that_is_known_is_not_sent_again(client):
    first = client.get(STYLES)
    first.close()
    known = first.headers["Last-Modified"]
    again = client.get(STYLES, headers=GZIP | {"if-modified-since": known})
    assert again.status_code == 304


def test_a_font_is_left_as_it_is(client):
    font = "/static/vendor/inter-latin-wght-normal.woff2"
    answer = client.get(font, headers=GZIP)
    answer.close()
    assert "Content-Encoding" not in answer.headers
