"""From the Devices list to the results of many: pages, rights, refusals, files."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from notifications import bulk
from notifications.models import Bulk, Reset
from tests.notifications import people
from tests.notifications.test_bulk_devices import ROLLED_BACK, struck_devices
from tests.people import person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]
START = "/devices/many/start/"


def form_of(page, **values) -> dict:
    """The confirmation of a dry run."""
    form = {name: page.context[name] for name in ("key", "asked")}
    kind = page.context["plan"].kind
    return {**form, "kind": kind, "rate": 10, "reason": ROLLED_BACK, **values}


def test_the_pages_go_from_the_list_to_the_results():
    devices, browser = struck_devices(2), people.browser_of("support")
    listed = browser.get("/devices/?q=strikes:>=1").content.decode()
    assert 'form="bulk" name="device"' in listed
    assert "/devices/many/?all=1&amp;kind=reset&amp;q=strikes%3A%3E%3D1" in listed
    page = browser.get("/devices/many/?all=1&kind=reset&q=strikes:>=1")
    assert page.context["sendable"] == 2
    for wrong in ({"typed": 3}, {"typed": 2, "reason": "no"}, {"typed": 2, "rate": 7}):
        answer = browser.post(START, form_of(page, **wrong))
        assert answer.status_code == 422, wrong
    assert not Bulk.objects.exists()
    form = form_of(page, typed=2)
    answer, again = browser.post(START, form), browser.post(START, form)
    assert answer["Location"] == again["Location"]
    assert Bulk.objects.get().address == "q=strikes%3A%3E%3D1"
    assert b"resets strikes just now" in browser.get("/devices/?q=").content
    bulk.work_off(timezone.now() + timedelta(seconds=6))
    shown = browser.get(answer["Location"]).content
    assert b"Strikes of 2 devices reset" in shown
    assert ROLLED_BACK.encode() in shown
    lines = b"".join(browser.get(answer["Location"] + "results.csv")).decode()
    header, *rows = lines.splitlines()
    assert header == "device,aor,result,why,push,state,outcome"
    assert {row.split(",")[0] for row in rows} == {str(each.pk) for each in devices}


def test_ticked_rows_alone_are_taken_and_nonsense_is_no_row():
    devices, browser = struck_devices(3), people.browser_of("support")
    ticked = f"device={devices[0].pk}&device=x&device={'9' * 5000}&device=-1"
    page = browser.get(f"/devices/many/?kind=reset&{ticked}")
    assert [line.device for line in page.context["plan"].lines] == devices[:1]
    answer = browser.post(START, form_of(page, typed=1))
    assert Bulk.objects.get().address == ""
    assert b"The list it was chosen from" not in browser.get(answer["Location"]).content


def test_a_second_tab_is_told_that_nothing_is_left():
    devices, browser = struck_devices(1), people.browser_of("support")
    address = f"/devices/many/?kind=reset&device={devices[0].pk}"
    first, second = browser.get(address), browser.get(address)
    browser.post(START, form_of(first, typed=1))
    answer = browser.post(START, form_of(second, typed=1))
    assert answer.status_code == 422
    assert b"Nothing of it is left to do." in answer.content
    assert b"It waits in another bulk" in answer.content
    assert b'name="typed"' not in answer.content
    assert Bulk.objects.count() == 1


@pytest.mark.parametrize("address", ["", "?all=1&q=stat:suspected", "?kind=nonsense"])
def test_where_nothing_was_chosen_the_page_says_so(address):
    struck_devices(1)
    answer = people.browser_of("support").get(f"/devices/many/{address}")
    assert b"No device was chosen" in answer.content


def test_what_is_left_out_is_a_file_with_the_reasons():
    device, other = struck_devices(2)
    other.holdings.update(current=False)
    browser = people.browser_of("support")
    page = browser.get("/devices/many/?all=1&kind=reset&q=strikes:>=0+bound:yes")
    address = page.context["address"]
    file = b"".join(browser.get(f"/devices/many/left-out.csv?{address}")).decode()
    assert str(device.pk) not in [line.split(",")[0] for line in file.splitlines()]
    ticked = f"kind=reset&device={other.pk}"
    file = b"".join(browser.get(f"/devices/many/left-out.csv?{ticked}")).decode()
    assert file.splitlines()[1].endswith("The device holds no VoIP token")


def test_who_may_push_and_not_reset_is_refused_the_reset_alone(client):
    (device,) = struck_devices(1)
    client.force_login(person("half", "see", "resend"))
    assert Permission.objects.filter(codename="reset_strikes").exists()
    listed = client.get("/devices/?q=").content
    assert b'value="test"' in listed
    assert b'value="reset"' not in listed
    page = client.get(f"/devices/many/?kind=test&device={device.pk}")
    assert page.status_code == 200
    refused = client.get(f"/devices/many/?kind=reset&device={device.pk}")
    assert refused.status_code == 403
    form = form_of(page, kind="reset", typed=1)
    assert client.post(START, form).status_code == 403
    assert not Reset.objects.exists()
    assert not Bulk.objects.exists()


def test_ops_are_told_that_their_group_may_not():
    struck_devices(1)
    listed = people.browser_of("ops").get("/devices/?q=").content
    assert b"Your group may neither push nor reset strikes." in listed
    assert b"All matching" not in listed
