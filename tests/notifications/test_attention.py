"""The numbers beside the navigation, and the icon of the browser's tab."""

from __future__ import annotations

import pytest
from django.utils import timezone

from notifications import attention
from notifications.models import Ledger
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


def ledger(state: str) -> None:
    token = factories.token_of(factories.registered_device())
    Ledger.objects.create(token=token, state=state, strikes=1, since=timezone.now())


def test_a_quiet_house_asks_for_nobody():
    found = attention.read()
    assert (found.devices, found.settings, found.mark) == (0, 0, "ok")


def test_devices_at_risk_are_counted_and_the_worst_colours_the_mark():
    ledger("not_waking")
    assert attention.read().mark == "risk"
    ledger("suspected")
    ledger("recovered")
    found = attention.read()
    assert (found.devices, found.mark) == (2, "suspected")


def test_a_late_feed_and_an_app_without_a_key_ask_for_settings():
    factories.app()
    factories.feed(trouble="permission denied")
    assert attention.read().settings == 2


def test_the_title_says_how_many_and_the_icon_how_bad():
    ledger("suspected")
    page = people.browser_of("ops").get("/devices/").content.decode()
    assert "<title>(1) Devices · pushdash</title>" in page
    assert "marks/suspected.svg" in page
