"""No word of a page was left in English: by the templates' source, and by what readers see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, Token, TokenType
from django.test import Client

from tests.browser import house
from tests.people import person
from tests.readers import texts_of

TEMPLATES = Path(settings.BASE_DIR) / "templates"
#: Names, and what is typed or read as it is, in templates.
NAMES = re.compile(
    r"pushdash|sip:(user@domain)?|UTC|ms|apns-id|Call-ID|VoIP|REGISTER|JSON|Flexisip|Kamailio"
    r"|\w+:(&gt;=|&lt;|>=|<)?\w+|-?\w+:[\w.]+|nurse-12|erin|alice|bob|CSV|alert-circle|p\d\d|n\b|cURL"
)
#: The same in both languages, or data, where more than one word stands.
SAME = {
    "5.2.4 (iPhone 15 Pro), SDK 5.3.74",
    "Apple production",
    "Apple sandbox",
    "Audit · pushdash",
    "LinphoneiOS 5.2.4, iPhone 15 Pro",
    f"{house.AGENT}",
    "iPhone 15 Pro",
    "org.example.phone, sandbox",
    "sip:bartholomew.longname@voice.example.org · pushdash",
    "strikes:>=2 at:14:02",
    "Too late",
    "ticket 4711",
}
#: More than one word.
WORDS = re.compile(r"[A-Za-z]{3,}\S*\s.*[A-Za-z]{3,}")
#: No French sentence holds one of these.
ENGLISH = re.compile(
    r"(?<![\w-])(the|of|and|was|were|not|with|has|is|it|its|this|yet|by|for|to|are)(?![\w-])"
)
EMPTY = [
    "/",
    "/devices/",
    "/pushes/",
    "/failures/",
    "/audit/",
    "/malformed/",
    "/fleet/",
]
EMPTY += [f"/failures/?tab={tab}" for tab in ("deliveries", "refused", "activity")]
EMPTY += ["/settings/", "/first-run/no-such-link/", "/nothing-here/"]


def unmarked(template: str) -> Iterator[str]:
    """Texts of a template that no tag hands to the translators."""
    text = "".join(_plain(Lexer(template).tokenize()))
    for said in texts_of(text):
        rest = NAMES.sub("", said)
        if re.search(r"[A-Za-zÀ-ÿ]{2,}", rest):
            yield said


def _plain(tokens: list[Token]) -> Iterator[str]:
    """The template without what is filled in or translated."""
    is_translated = False
    for token in tokens:
        if token.token_type == TokenType.TEXT and not is_translated:
            yield token.contents
        elif token.token_type == TokenType.BLOCK:
            name = token.contents.split()[0]
            if name in {"blocktranslate", "endblocktranslate"}:
                is_translated = name == "blocktranslate"
            yield " "
            # What is handed to a component stands in its own quotes.
            handed = re.findall(
                r"\b(?:title|text|label|note)='([^']+)'", token.contents
            )
            yield from (f"<p>{text}</p>" for text in handed if name == "include")
        if token.token_type in {TokenType.VAR, TokenType.BLOCK}:
            spoken = re.findall(r"""default\w*:["']([^"']+)["']""", token.contents)
            yield from (f"<p>{text}</p>" for text in spoken)


def test_no_text_of_a_template_is_left_unmarked():
    wrong = {
        path.relative_to(TEMPLATES).as_posix(): list(unmarked(path.read_text()))
        for path in sorted(TEMPLATES.rglob("*.html"))
    }
    assert {name: texts for name, texts in wrong.items() if texts} == {}


@pytest.mark.parametrize(
    "planted",
    [
        "<p>Left out</p>",
        "<p aria-label='Left out'></p>",
        "{% if x %}Left out{% endif %}",
        "{{ name|default:'left out' }}",
        "{% include 'x.html' with title='Left out' %}",
        "<p>{{ number }} left out</p>",
    ],
)
def test_a_text_left_unmarked_is_seen(planted):
    assert list(unmarked(planted)) != []


def in_both(client: Client, path: str) -> tuple[list[str], list[str]]:
    """The texts of a page in English and in French."""
    found = []
    for language in ("en", "fr"):
        client.cookies["language"] = language
        texts = texts_of(client.get(path).text)
        # Without the number of devices at risk before the title, and what ids begin with.
        found.append([re.sub(r"^\(\d+\) |\b[0-9a-f]{8}\b", "", text) for text in texts])
    return found[0], found[1]


def left_in_english(client: Client, path: str) -> list[str]:
    """Texts of the French page that say the same in English, or hold an English word."""
    english, french = in_both(client, path)
    assert english and french, path
    same = {text for text in french if WORDS.search(text) and text in english}
    mixed = {text for text in french if ENGLISH.search(text)}
    return sorted((same | mixed) - SAME)


@pytest.mark.django_db
def test_nobody_reads_english_on_a_french_page():
    client = Client()
    nobody = {"/login/": left_in_english(client, "/login/")}
    client.force_login(person("olga", *house.ALL))
    empty = {path: left_in_english(client, path) for path in EMPTY}
    push = house.furnished()
    paths = [*house.paths(push), f"/settings/apps/{push.app_id}/payloads/"]
    full = {path: left_in_english(client, path) for path in paths}
    found = nobody | empty | full
    assert {path: texts for path, texts in found.items() if texts} == {}
