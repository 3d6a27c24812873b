"""The language of a page: chosen, remembered, asked for by the browser; never a program's."""

from __future__ import annotations

import pytest
from django.test import Client

from notifications.models import Preference
from tests.people import PASSWORD, person

pytestmark = pytest.mark.django_db
FRENCH = {"accept-language": "fr-CA,fr;q=0.9,en;q=0.5"}


def test_the_browser_asks_for_a_language():
    answer = Client().get("/login/", headers=FRENCH)
    assert answer["Content-Language"] == "fr"
    assert '<html lang="fr"' in answer.text
    assert "Mot de passe" in answer.text
    assert "accept-language" in answer["Vary"].lower()


def test_a_language_we_do_not_have_is_english():
    answer = Client().get("/login/", headers={"accept-language": "tlh"})
    assert answer["Content-Language"] == "en"
    assert "Password" in answer.text


def test_what_was_chosen_counts_more_than_what_the_browser_asks_for():
    client = Client(headers=FRENCH)
    answer = client.post("/language/", {"language": "en", "next": "/login/"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert "Sign in" in client.get("/login/").text


def test_a_choice_follows_the_person_to_another_browser():
    user = person("olga", "see")
    first = Client()
    first.force_login(user, "pushdash.logins.Logins")
    first.post("/language/", {"language": "fr", "next": "/devices/"})
    assert Preference.objects.get(user=user).language == "fr"
    second = Client()
    second.post("/login/", {"username": "olga", "password": PASSWORD})
    assert "Appareils" in second.get("/devices/").text


def test_a_language_that_does_not_exist_is_not_kept():
    client = Client()
    client.force_login(person("olga"), "pushdash.logins.Logins")
    answer = client.post("/language/", {"language": "xx"})
    assert answer.status_code == 302
    assert not Preference.objects.exists()
    assert "language" not in answer.cookies


def test_the_way_back_leads_to_no_other_site():
    answer = Client().post(
        "/language/", {"language": "fr", "next": "https://evil.example/"}
    )
    assert answer["Location"] == "/"


def test_a_page_that_is_not_there_says_so_in_the_language():
    answer = Client().get("/nothing-here/", headers=FRENCH)
    assert answer.status_code == 404
    assert "Rien ici" in answer.text


@pytest.mark.parametrize("path", ["/api/v1/pushes", "/gateway/", "/readyz"])
def test_programs_get_english(path):
    for headers in (FRENCH, {"cookie": "language=fr"}):
        answer = Client().get(path, headers=headers)
        assert answer["Content-Language"] == "en"
