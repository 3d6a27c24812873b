"""Copy buttons, the ages of moments, and motion that can be switched off."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from registrations.models import Device
from tests.browser import house
from tests.people import person

pytestmark = pytest.mark.django_db(transaction=True)

READ = "navigator.clipboard.readText()"
WITHOUT = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"


@pytest.mark.parametrize("kept", ["", WITHOUT], ids=["clipboard", "plain HTTP"])
def test_what_stands_beside_a_copy_button_can_be_pasted(open_as, context, kept):
    push = house.furnished()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_as(person("olga", *house.ALL), f"/pushes/{push.pk}/")
    for name, wanted in (
        ("Copy the Call-ID", push.call_id),
        ("Copy the id of this push", str(push.pk)),
        ("Copy the payload", '"aps"'),
    ):
        page.evaluate(kept or "0")
        page.get_by_role("button", name=name, exact=True).click()
        box = page.get_by_role("searchbox").first
        box.fill("")
        box.press("ControlOrMeta+v")
        assert wanted.split("\n")[0] in box.input_value()
    page.goto(f"/devices/{push.device_id}/")
    page.get_by_role("button", name="Copy the AOR").click()
    expect(page.get_by_role("button", name="Copy the AOR")).to_have_attribute(
        "data-done", ""
    )


def test_every_span_of_time_says_its_moment_on_hover(open_as):
    push = house.furnished()
    soon = timezone.now() + timedelta(hours=1)
    Device.objects.filter(pk=push.device_id).update(expires_at=soon)
    page = open_as(person("olga", *house.ALL), f"/devices/{push.device_id}/")
    ends = page.locator("#device-head time").last
    expect(ends).to_have_attribute("title", re.compile(r"\d{4}-\d\d-\d\d .* UTC"))
    page.goto("/failures/?tab=activity")
    ages = page.locator("main td time")
    assert ages.count() >= 1
    expect(ages.first).to_have_attribute("title", re.compile(r"\d{4}-\d\d-\d\d"))


def test_nothing_moves_for_those_who_want_no_motion(open_as):
    moving = """() => [...document.querySelectorAll('*')].filter((one) => {
      const style = getComputedStyle(one);
      const lasts = (times) => times.split(',').some((time) => parseFloat(time) > 0.01);
      return lasts(style.animationDuration) || lasts(style.transitionDuration);
    }).map((one) => one.className)"""
    house.furnished()
    page = open_as(person("olga", *house.ALL), "/")
    assert page.evaluate(moving) != []
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == []
