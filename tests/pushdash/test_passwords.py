"""New passwords: one's own with the old one, another's by an admin; both end other sessions."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import AuditEntry
from tests.notifications import people

pytestmark = pytest.mark.django_db
OLD, NEW = "correct horse battery", "staple of the stable"


@pytest.fixture
def anna() -> User:
    found = people.person("support")
    found.set_password(OLD)
    found.save()
    return found


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="pushdash.logins.Logins")
    return client


def change(browser: Client, **values):
    given = {"old_password": OLD, "new_password1": NEW, "new_password2": NEW}
    return browser.post("/password/", given | values)


def test_a_person_changes_their_own_password_and_other_browsers_are_logged_out(anna):
    here, there = browser_of(anna), browser_of(anna)
    assert "Change your password" in here.get("/password/").content.decode()
    answer = change(here)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    anna.refresh_from_db()
    assert anna.check_password(NEW)
    assert "Your password is changed" in here.get("/devices/?q=").content.decode()
    assert there.get("/devices/").status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.subject) == (
        "user.password",
        anna,
        anna.username,
    )
    assert NEW not in str(entry.detail)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"old_password": "wrong"}, "entered incorrectly"),
        ({"new_password2": "other words"}, "match"),
        ({"new_password1": "12345678", "new_password2": "12345678"}, "numeric"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(anna, values, words):
    answer = change(browser_of(anna), **values)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    anna.refresh_from_db()
    assert anna.check_password(OLD)
    assert not AuditEntry.objects.exists()


def test_nobody_changes_a_password_without_a_login():
    assert change(Client())["Location"].startswith("/login/?next=/password/")


def test_an_admin_gives_a_person_another_password_and_they_are_logged_out(anna):
    there = browser_of(anna)
    admin = people.browser_of("admin")
    path = f"/settings/people/{anna.pk}/password/"
    assert path in admin.get("/settings/").content.decode()
    assert admin.post(path, {"password": NEW}).status_code == 302
    anna.refresh_from_db()
    assert anna.check_password(NEW)
    assert there.get("/devices/").status_code == 302
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.subject) == ("admin-person", anna.username)


def test_a_weak_password_is_refused_beside_its_field(anna):
    path = f"/settings/people/{anna.pk}/password/"
    answer = people.browser_of("admin").post(path, {"password": "support-person"})
    assert answer.status_code == 422
    page = answer.content.decode()
    own = page.partition(f'action="{path}"')[2].partition("</form>")[0]
    assert "too similar to the username" in own
    assert page.count("too similar") == 1
    anna.refresh_from_db()
    assert anna.check_password(OLD)


def test_an_admin_changes_their_own_with_the_old_one():
    admin = people.person("admin")
    path = f"/settings/people/{admin.pk}/password/"
    answer = people.browser_of("admin").post(path, {"password": NEW})
    assert answer["Location"] == "/password/"


def test_who_guesses_at_the_old_password_is_locked_out_as_at_the_login(anna, settings):
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    browser = browser_of(anna)
    for number in range(2):
        answer = change(browser, old_password=f"guess {number}")
        assert "entered incorrectly" in answer.content.decode()
    for old in ("guess 3", OLD):
        locked = change(browser, old_password=old)
        assert locked.status_code == 429
        assert "Too many tries" in locked.content.decode()
    anna.refresh_from_db()
    assert anna.check_password(OLD)
    login = {"username": anna.username, "password": OLD}
    assert Client().post("/login/", login).status_code == 429


def test_one_who_knows_the_old_password_is_not_locked_out(anna, settings):
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    browser = browser_of(anna)
    for _ in range(4):
        assert change(browser, new_password2="another").status_code == 200
    assert change(browser).status_code == 302
