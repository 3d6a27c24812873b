"""The words of templates: what is safe in them, and what a language changes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone, translation

from notifications import wording
from notifications.models import AuditEntry
from notifications.stored_words import told
from notifications.templatetags import pushdash
from tests.registrations.sip.test_push_params import contact_with


def shown(template: str, **values) -> str:
    return Template("{% load pushdash %}" + template).render(Context(values))


def test_a_moment_in_a_sentence_is_an_element_and_no_text():
    at = timezone.now() - timedelta(minutes=5)
    sentence = (
        "{% blocktranslate with at=at|instant %}used {{ at }}{% endblocktranslate %}"
    )
    assert "used <time datetime=" in shown(sentence, at=at)
    assert ">5\N{NO-BREAK SPACE}min ago</time>" in shown(sentence, at=at)
    with translation.override("fr"):
        assert "utilisé <time datetime=" in shown(sentence, at=at)
        assert ">il y a 5\N{NO-BREAK SPACE}min</time>" in shown(sentence, at=at)


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
        assert told("It has not ended yet") == "Il n’est pas encore terminé"
        struck = told("Would be strike 3 of 3")
        assert struck == "Serait le réveil manqué 3 sur 3"
        assert told("ticket 4711") == "ticket 4711"
    assert told("Would be strike 3 of 3") == "Would be strike 3 of 3"


@pytest.mark.parametrize(
    ("strikes", "words", "following"),
    [
        (0, "0 of 3 strikes", "Would be strike 1 of 3"),
        (2, "2 of 3 strikes", "Would be strike 3 of 3"),
        (3, "3 of 3 strikes", "Would be strike 4, suspected from 3"),
        (8, "8 strikes, suspected from 3", "Would be strike 9, suspected from 3"),
    ],
)
def test_strikes_beyond_the_threshold_are_not_so_many_of_it(strikes, words, following):
    assert wording.struck(strikes, 3) == words
    assert wording.next_strike(strikes + 1, 3) == following
    with translation.override("fr"):
        stored = told(following)
        assert stored == wording.next_strike(strikes + 1, 3) != following


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (
            "no connection to api.push.apple.com: the proxy refused: 407",
            "aucune connexion à api.push.apple.com : le mandataire a refusé : 407",
        ),
        ("not sent: no answer within 5.0 s", "pas envoyé : aucune réponse en 5.0 s"),
        ("HTTP 500 without a reason", "HTTP 500 sans motif"),
        (
            "a.log is gone; b.log cannot be read: Permission denied",
            "a.log a disparu; b.log ne peut pas être lu : Permission denied",
        ),
        ("the worker died while it was sending", "le worker est mort pendant l’envoi"),
        ("12 pushes", "12 push"),
    ],
)
def test_why_a_try_failed_and_a_feed_stalls_is_said_in_the_language(stored, said):
    assert told(stored) == stored
    with translation.override("fr"):
        assert told(stored) == said


def test_what_a_person_named_is_no_stored_word():
    entries = {
        action: AuditEntry(action=action, subject=subject)
        for action, subject in (("view.share", "Devices"), ("bulk.start", "3 pushes"))
    }
    with translation.override("fr"):
        assert pushdash.subject_words(entries["view.share"]) == "Devices"
        assert pushdash.subject_words(entries["bulk.start"]) == "3 push"


def test_a_day_is_one_in_each_language():
    assert pushdash.spaced("7d") == "7 d"
    with translation.override("fr"):
        assert pushdash.spaced("7d") == "7 j"
        assert pushdash.spaced("all") == "tout"


def test_control_characters_are_shown_and_a_french_space_is_kept():
    assert pushdash.visible("a\u202eb\u00a0:") == "a\\u202eb\u00a0:"


@pytest.mark.parametrize(
    ("stored", "french"),
    [
        ("no 'pn-prid' found", "aucun 'pn-prid' trouvé"),
        (
            "'pn-param' declares 2 service(s), 'pn-prid' holds 1 token(s)",
            "'pn-param' déclare 2 service(s), 'pn-prid' contient 1 jeton(s)",
        ),
        ("no '>' in '<sip:a'", "aucun '>' dans '<sip:a'"),
    ],
)
def test_what_the_parser_says_is_told_around_what_it_read(stored, french):
    with translation.override("fr"):
        assert told(stored) == french
    assert told(stored) == stored


def contacts() -> list[str]:
    """Contacts that break a rule each."""
    token = "ab" * 32
    pushes = f"pn-provider=apns;pn-param=T.org.x.voip&remote;pn-prid={token}"
    return [
        "pn-param=T.org.x.voip",
        "pn-provider=apns;pn-prid=" + token,
        "pn-provider=apns;pn-param=T;pn-prid=" + token,
        "pn-provider=apns;pn-param=T.org.x.voip&voip;pn-prid=" + token,
        "pn-provider=apns;pn-param=T.org.x.voip",
        "pn-provider=apns;pn-param=T.org.x.voip;pn-prid=",
        "pn-provider=apns;pn-param=T.org.x.voip;pn-prid=&" + token,
        "pn-provider=apns;pn-param=T.org.x.voip;pn-prid=:voip",
        "pn-provider=apns;pn-param=T.org.x.voip;pn-prid=12:voip",
        "pn-provider=apns;pn-param=T.org.x.voip;pn-prid=" + token + ":remote",
        "pn-provider=odd;pn-param=x;pn-prid=y",
        f"{pushes}:voip&{token}:voip;pn-prid=z",
        f"{pushes}:voip&{token}:odd",
        f"{pushes}&{token}",
        "pn-type=odd;app-id=x;pn-tok=y",
        "app-id=org.x.dev;pn-tok=y",
        "pn-provider=apns;pn-param=" + "x" * 300,
    ]


@pytest.mark.parametrize("contact", contacts())
def test_every_problem_of_the_push_parameters_is_said_in_french(contact):
    problems = contact_with(contact).problems
    assert problems
    with translation.override("fr"):
        assert [one for one in problems if told(one.detail) == one.detail] == []


def test_why_a_push_was_withdrawn_is_said_in_the_language():
    with translation.override("fr"):
        assert told("withdrawn by a person") == "retiré par une personne"
