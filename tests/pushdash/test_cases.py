"""Error pages: in the look, with a case id that the server's log names too."""

from __future__ import annotations

import logging
import re

import pytest
from django.test import Client

from pushdash.cases import NameCase
from pushdash.logs import LineFormatter
from tests.notifications import people
from tests.people import person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.pushdash.broken_urls"),
]


def lines_of(caplog) -> list[str]:
    """What the server's log says."""
    for record in caplog.records:
        NameCase().filter(record)
    return [LineFormatter().format(record) for record in caplog.records]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/broken/", 500, "Something went wrong here"),
        ("/forbidden/", 403, "You may not do this"),
        ("/no-such-page/", 404, "Nothing here"),
    ],
)
def test_an_error_has_a_case_id_on_its_page_and_in_the_log(path, status, words, caplog):
    with caplog.at_level(logging.WARNING, "django.request"):
        answer = Client(raise_request_exception=False).get(path)
    page = answer.content.decode()
    assert answer.status_code == status
    assert words in page
    assert "pushdash.css" in page
    case = re.search(r"Case <code>([0-9A-F]{8})</code>", page)[1]
    assert answer["X-Case"] == case
    (line,) = [line for line in lines_of(caplog) if path in line.splitlines()[0]]
    assert f" case={case}" in line.splitlines()[0]
    assert ("broken on purpose" in line) == (status == 500)


@pytest.mark.parametrize("path", ["/no-such-page/", "/forbidden/"])
def test_who_may_see_is_left_with_the_menu_and_the_search_box(path):
    browser = people.browser_of("ops")
    page = browser.get(path).content.decode()
    assert 'data-hotkey="/"' in page
    assert 'class="pd-side"' in page
    assert page.count("<main") == 1


@pytest.mark.parametrize("path", ["/no-such-page/", "/forbidden/"])
def test_of_nobody_the_database_is_asked_nothing(path, django_assert_num_queries):
    with django_assert_num_queries(0):
        page = Client().get(path).content.decode()
    assert 'data-hotkey="/"' not in page
    assert page.count("<main") == 1


def test_who_is_in_no_group_has_no_search_box(client):
    client.force_login(person("alone"))
    page = client.get("/no-such-page/").content.decode()
    assert "Nothing here" in page
    assert 'data-hotkey="/"' not in page


def test_a_form_without_its_token_is_explained_with_a_case_id():
    answer = Client(enforce_csrf_checks=True).post("/login/", {})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form is too old" in page
    assert answer["X-Case"] in page


def test_a_page_that_is_fine_has_no_case():
    answer = Client().get("/login/")
    assert "X-Case" not in answer
    assert b"Case <code>" not in answer.content
