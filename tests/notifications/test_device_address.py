"""The addresses of a device's page: zoom, kinds of events and pages keep each other."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from notifications.device_address import place_of
from notifications.device_history import ROWS, history_of
from notifications.lane_spans import Stretch
from notifications.timeline import KINDS, timeline
from tests import factories
from tests.factories import MORNING
from tests.notifications.test_timeline import NOW, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def device():
    factories.feed(seen_until=NOW)
    return factories.registered_device()


def behind(address: str) -> dict[str, str]:
    return dict(parse_qsl(address))


def zoomed(device, **asked):
    """From MORNING + 10 min on, for ten minutes."""
    since = MORNING + timedelta(minutes=10)
    stretch = Stretch(since=since, until=since + timedelta(minutes=10), span="")
    place = place_of(asked, stretch, KINDS)
    return timeline(history_of(device, stretch, place.end, NOW), place)


def test_the_timeline_is_that_of_the_part_that_was_zoomed_into(device):
    for number in range(ROWS * 2):
        factories.accepted_push(device, MORNING + timedelta(minutes=number))
    shown = zoomed(device)
    assert [row.at.minute for row in shown.rows] == list(range(19, 9, -1))
    assert (shown.older, shown.newer) == ("", "")


def test_pages_keep_the_stretch_and_the_kind_and_lead_back(device):
    for number in range(ROWS * 2 + 5):
        factories.accepted_push(device, MORNING + timedelta(minutes=number / 4))
    asked = {"events": "pushes", "span": "6h"}
    pages = [told(device, **asked)]
    while pages[-1].older:
        asked = behind(pages[-1].older)
        assert (asked["events"], asked["span"]) == ("pushes", "6h")
        pages.append(told(device, **asked))
    assert [len(page.rows) for page in pages] == [ROWS, ROWS, 5]
    again = told(device, **behind(pages[2].newer))
    assert again.rows == pages[1].rows
    assert told(device, **behind(again.newer)).rows == pages[0].rows
    assert pages[0].newer == ""


def test_another_kind_of_event_stays_in_the_zoom_and_on_the_page(device):
    before = (MORNING + timedelta(minutes=15)).isoformat()
    shown = zoomed(device, before=before)
    (address,) = [address for kind, _, address in shown.kinds if kind == "pushes"]
    kept = behind(address)
    assert kept["from"] == (MORNING + timedelta(minutes=10)).isoformat()
    assert (kept["events"], kept["before"]) == ("pushes", before)


def test_older_events_are_on_the_next_page_and_none_is_lost(device):
    for number in range(ROWS + 5):
        factories.accepted_push(device, MORNING + timedelta(minutes=number))
    first = told(device)
    second = told(device, **dict(parse_qsl(first.older)))
    assert len(first.rows) == ROWS
    assert len(second.rows) == 5
    assert second.older == ""
