"""Words of the templates that must not spoil what they show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.template import engines
from django.utils import translation

NOW = datetime(2026, 11, 29, 22, tzinfo=UTC)


def rendered(source: str, language: str = "fr", **values) -> str:
    with translation.override(language):
        return engines["django"].from_string(source).render(values)


@pytest.mark.parametrize("word", ["instant", "clock"])
def test_a_moment_inside_a_sentence_is_markup_and_no_text(word):
    source = (
        "{% blocktranslate with at=at|"
        + word
        + " %}Used {{ at }}{% endblocktranslate %}"
    )
    found = rendered("{% load pushdash %}" + source, "en", at=NOW)
    assert found.startswith("Used <time datetime=")


def test_hostile_spaces_are_escapes_and_the_thousands_of_a_number_are_not():
    source = "{% load pushdash %}{{ text|visible }}"
    assert (
        rendered(source, text="octet 15\u00a0871\u00a0217")
        == "octet 15\u00a0871\u00a0217"
    )
    assert rendered(source, text="alice\u00a0bob") == "alice\\u00a0bob"
    assert rendered(source, text="7\u00a07, 7\u202e777") == "7\\u00a07, 7\\u202e777"


@pytest.mark.parametrize(("language", "days"), [("en", "7 d"), ("fr", "7 j")])
def test_a_span_has_the_units_of_the_language(language, days):
    source = "{% load pushdash %}{{ span|spaced }}"
    assert rendered(source, language, span="7d") == days
    assert rendered(source, language, span="24h") == "24 h"
