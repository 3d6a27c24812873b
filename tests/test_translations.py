"""Every text of the code is in every language, whole; nothing of a page was left unmarked."""

from __future__ import annotations

import re

import pytest
from django.conf import settings

from tests import translating

LANGUAGES = [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
each_language = pytest.mark.parametrize("language", LANGUAGES)
#: `%(name)s`, `{name}`, `#` of a script's text.
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|%[sd]")
TAG = re.compile(r"</?[a-z]+[^>]*>")


def strings_of(message) -> list[str]:
    """One, or one a plural form."""
    return list(message.string) if message.pluralizable else [message.string]


def ids_of(message) -> list[str]:
    return list(message.id) if message.pluralizable else [message.id]


@each_language
def test_every_text_of_the_code_is_translated(language):
    known = translating.catalog_of(language)
    lacking = []
    for text in translating.texts():
        kept = known.get(text.id, context=text.context) if text.id else None
        if text.id and (kept is None or kept.fuzzy or not all(strings_of(kept))):
            lacking.append(text.id)
    assert lacking == []


@each_language
def test_no_translation_stays_whose_text_is_gone(language):
    wanted = {(str(text.id), text.context) for text in translating.texts()}
    known = {(str(each.id), each.context) for each in translating.catalog_of(language)}
    assert known - wanted == set()


@each_language
def test_a_translation_fills_the_same_places(language):
    wrong = []
    for message in translating.catalog_of(language):
        if not message.id:
            continue
        places = [sorted(PLACEHOLDER.findall(text)) for text in ids_of(message)]
        tags = [sorted(TAG.findall(text)) for text in ids_of(message)]
        for said in strings_of(message):
            if sorted(PLACEHOLDER.findall(said)) not in places:
                wrong.append(said)
            if sorted(TAG.findall(said)) not in tags:
                wrong.append(said)
    assert wrong == []


@each_language
def test_what_is_compiled_is_what_is_written(language):
    compiled = translating.compiled(translating.catalog_of(language))
    assert translating.compiled_of(language) == compiled


def test_every_folder_of_translations_is_a_language_of_the_settings():
    assert sorted(path.name for path in translating.LOCALE.iterdir()) == LANGUAGES
