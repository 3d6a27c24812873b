"""The words of templates: what is safe in them, and what a language changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from notifications.templatetags import pushdash


def shown(template: str, **values) -> str:
    return Template("{% load pushdash %}" + template).render(Context(values))


def test_a_moment_in_a_sentence_is_an_element_and_no_text():
    at = timezone.now() - timedelta(minutes=5)
    sentence = (
        "{% blocktranslate with at=at|instant %}used {{ at }}{% endblocktranslate %}"
    )
    assert "used <time datetime=" in shown(sentence, at=at)
    assert ">5 min ago</time>" in shown(sentence, at=at)
    with translation.override("fr"):
        assert "utilisé <time datetime=" in shown(sentence, at=at)
        assert ">il y a 5 min</time>" in shown(sentence, at=at)


@pytest.mark.parametrize(
    ("language", "number", "words"),
    [
        ("en", 1234, "1,234"),
        ("en", 10_001, "10,000+"),
        ("fr", 1234, "1\u00a0234"),
        ("fr", 10_001, "10\u00a0000+"),
    ],
)
def test_a_count_is_written_as_the_language_writes_it(language, number, words):
    with translation.override(language):
        assert pushdash.capped(number) == words


def test_what_is_stored_in_english_is_said_in_the_language():
    with translation.override("fr"):
        assert pushdash.said("It has not ended yet") == "Il n’est pas encore terminé"
        struck = pushdash.said("Would be strike 3 of 3")
        assert struck == "Serait le réveil manqué 3 sur 3"
        assert pushdash.said("ticket 4711") == "ticket 4711"
    assert pushdash.said("Would be strike 3 of 3") == "Would be strike 3 of 3"


def test_a_day_is_one_in_each_language():
    assert pushdash.spaced("7d") == "7 d"
    with translation.override("fr"):
        assert pushdash.spaced("7d") == "7 j"
        assert pushdash.spaced("all") == "tout"


def test_control_characters_are_shown_and_a_french_space_is_kept():
    assert pushdash.visible("a\u202eb\u00a0:") == "a\\u202eb\u00a0:"
