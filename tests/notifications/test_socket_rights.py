"""Who may keep the live socket open: any number of sessions in three queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.utils import timezone

from notifications.socket_rights import refusals_of
from tests.people import person, session_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def sessions():
    """Sessions of five people who may see."""
    return [session_of(person(f"person-{n}", "see")) for n in range(5)]


def test_everybody_may_go_on_and_is_asked_for_at_once(
    sessions, django_assert_num_queries
):
    with django_assert_num_queries(3):
        assert refusals_of(sessions) == {}


def test_each_is_refused_for_a_reason_of_its_own(sessions):
    loggedout, expired, renewed, removed, narrowed = sessions
    people = [person_of(session) for session in sessions]
    Session.objects.filter(session_key=loggedout).delete()
    past = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(session_key=expired).update(expire_date=past)
    people[2].set_password("another one")
    people[2].save()
    people[3].is_active = False
    people[3].save()
    people[4].user_permissions.clear()
    assert refusals_of([*sessions, None]) == {
        loggedout: 4401,
        expired: 4401,
        renewed: 4401,
        removed: 4401,
        narrowed: 4403,
        None: 4401,
    }


def test_a_group_gives_the_right_and_so_does_being_a_superuser():
    member, chief = person("member"), person("chief")
    by_group, key = session_of(member), session_of(chief)
    assert refusals_of([by_group, key]) == {by_group: 4403, key: 4403}
    seers = Group.objects.create(name="seers")
    seers.permissions.set(Permission.objects.filter(codename="see"))
    member.groups.add(seers)
    chief.is_superuser = True
    chief.save()
    assert refusals_of([by_group, key]) == {}


def person_of(session: str):
    """Whose session it is."""
    values = Session.objects.get(session_key=session).get_decoded()
    return User.objects.get(pk=values[SESSION_KEY])
