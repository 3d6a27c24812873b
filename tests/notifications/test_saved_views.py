"""Saved views: private, shared, one first view a group; who may change which."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.http import QueryDict
from django.utils import timezone

from notifications.models import AuditEntry, SavedView
from notifications.saved_views import MOST, seen_by, views_for
from tests.notifications import people

pytestmark = pytest.mark.django_db


def save(group: str, name: str, address: str = "q=state%3Asuspected", **values):
    """The answer to that person's form."""
    form = {"page": "devices", "name": name, "address": address} | values
    return people.browser_of(group).post("/views/", form)


def names_seen_by(group: str) -> list[str]:
    rows = seen_by(people.person(group), "devices")
    return [view.name for view in rows]


def test_a_view_is_the_persons_own_until_it_is_shared():
    answer = save("ops", "At risk")
    assert answer["Location"] == "/devices/?q=state%3Asuspected"
    assert (names_seen_by("ops"), names_seen_by("support")) == (["At risk"], [])
    assert not AuditEntry.objects.exists()
    save("ops", "At risk", is_shared="on")
    assert names_seen_by("support") == ["At risk"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.subject) == ("view.share", "At risk")


def test_the_same_name_again_changes_the_view_and_keeps_no_place_in_the_list():
    save("ops", "mine", "q=alice&before=17&rows=100")
    save("ops", "mine", "?q=bob&after=3&sort=aor")
    assert SavedView.objects.get().address == "q=bob&sort=aor"


def test_a_group_opens_the_page_with_its_first_view_and_can_leave_it():
    save("admin", "Trouble", default_for="support")
    browser = people.browser_of("support")
    assert browser.get("/devices/")["Location"] == "/devices/?q=state%3Asuspected"
    page = browser.get("/devices/?q=").content.decode()
    assert 'href="?q="' in page
    assert "default of support" in page
    assert people.browser_of("ops").get("/devices/").status_code == 200
    assert people.browser_of("support").get("/pushes/").status_code == 200


def test_a_group_has_one_first_view_a_page():
    save("admin", "One", default_for="support")
    save("admin", "Two", default_for="support")
    support = people.person("support")
    assert views_for(support, "devices", QueryDict()).first.name == "Two"
    group = Group.objects.get(name="support")
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.filter(name="One").update(default_for=group)
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedView.objects.filter(name="Two").update(is_shared=False)


def test_only_who_manages_people_chooses_first_views():
    assert save("support", "Mine", default_for="ops").status_code == 403
    assert not SavedView.objects.exists()


def test_one_deletes_ones_own_and_an_admin_a_shared_one():
    save("ops", "private")
    save("ops", "shared", is_shared="on")
    private, shared = SavedView.objects.order_by("name")
    paths = {view.name: f"/views/{view.pk}/delete/" for view in (private, shared)}
    for path in paths.values():
        assert people.browser_of("support").post(path).status_code == 404
    assert people.browser_of("admin").post(paths["private"]).status_code == 403
    assert people.browser_of("admin").post(paths["shared"]).status_code == 302
    assert people.browser_of("ops").post(paths["private"]).status_code == 302
    assert not SavedView.objects.exists()


def test_a_view_without_a_name_and_one_too_many_are_refused():
    save("ops", " ")
    save("ops", "x" * 61)
    assert not SavedView.objects.exists()
    owner, now = people.person("ops"), timezone.now()
    SavedView.objects.bulk_create(
        SavedView(page="pushes", name=f"{n}", owner=owner, created_at=now)
        for n in range(MOST)
    )
    save("ops", "one more")
    assert SavedView.objects.count() == MOST


def test_a_view_leads_nowhere_else():
    answer = save("ops", "odd", "https://example.org/?q=x")
    assert answer["Location"].startswith("/devices/?")
    save("ops", "odd", "\r\nLocation: x")
    assert timezone.now() - SavedView.objects.get().created_at < timedelta(minutes=1)


def test_a_view_is_renamed_by_its_owner_and_keeps_its_address():
    save("ops", "At risk")
    view = SavedView.objects.get()
    path = f"/views/{view.pk}/rename/"
    assert people.browser_of("support").post(path, {"name": "x"}).status_code == 404
    answer = people.browser_of("ops").post(path, {"name": "Trouble"})
    assert answer["Location"] == "/devices/?q=state%3Asuspected"
    view.refresh_from_db()
    assert (view.name, view.address) == ("Trouble", "q=state%3Asuspected")


def test_a_name_that_is_taken_or_empty_renames_nothing():
    save("ops", "One")
    save("ops", "Two")
    two = SavedView.objects.get(name="Two")
    for name in ("One", "", "x" * 61):
        browser = people.browser_of("ops")
        browser.post(f"/views/{two.pk}/rename/", {"name": name})
        two.refresh_from_db()
        assert two.name == "Two"


def test_renaming_what_others_see_leaves_an_entry():
    save("ops", "Ours", is_shared="on")
    view = SavedView.objects.get()
    people.browser_of("admin").post(f"/views/{view.pk}/rename/", {"name": "Theirs"})
    entry = AuditEntry.objects.get(action="view.rename")
    assert (entry.subject, entry.detail["before"]) == ("Theirs", "Ours")


def test_a_group_no_database_could_compare_with_is_no_choice():
    browser = people.browser_of("admin")
    form = {"page": "devices", "name": "mine", "default_for": "ops\x00"}
    assert browser.post("/views/", form).status_code == 302
    page = browser.get("/devices/?q=").content.decode()
    assert "Select a valid choice" in page
    assert not SavedView.objects.exists()
