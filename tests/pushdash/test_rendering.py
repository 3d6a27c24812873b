"""Templates take fewer steps than Django's own, and say the same."""

from __future__ import annotations

from collections import namedtuple
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.core.exceptions import ObjectDoesNotExist
from django.template import Context, Template, TemplateDoesNotExist, engines
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from pushdash.rendering import Swift, load_all

Row = namedtuple("Row", "tone words")


class Phone:
    """What a page shows of a phone."""

    aor = "sip:<anna>@example.org"
    strikes = 12345

    def owner(self) -> str:
        """Templates call it."""
        return "Anna & Bob"

    def renamed(self, name: str) -> str:
        """Not without a name."""
        return name

    def erase(self) -> str:
        """Templates must not."""
        raise AssertionError

    erase.alters_data = True

    @property
    def ledger(self) -> str:
        """It has none."""
        raise ObjectDoesNotExist

    @property
    def broken(self) -> str:
        """A fault of ours, which no template hides."""
        raise ZeroDivisionError


class Find(forms.Form):
    """A form is asked for its fields as a dict is."""

    q = forms.CharField()


SAID = {
    "phone": Phone(),
    "kind": Phone,
    "lazy": SimpleLazyObject(Phone),
    "row": Row("hot", "<b>"),
    "rows": [Row("ok", "fine"), Row("bad", mark_safe("<i>gone</i>"))],
    "facts": {"aor": "x<y", "items": "an entry", "0": "nought", "deep": {"er": 1.5}},
    "named": {"a": 1, "b": "<2>"},
    "form": Find({"q": "<q>"}),
    "none": None,
    "yes": True,
    "word": gettext_lazy("Devices"),
    "safe": mark_safe("<hr>"),
    "plain": "<hr>",
    "at": datetime(2026, 11, 30, 12, 0, tzinfo=UTC),
    "number": 10_000,
    "share": 0.25,
}
TEXTS = (
    "{{ phone.aor }} {{ phone.strikes }} {{ phone.owner }} {{ phone.owner|upper }}",
    "{{ phone.ledger }}|{{ phone.ledger.state }}|{{ phone.nothing }}|{{ phone.erase }}",
    "{{ phone.renamed }}|{{ kind.aor }}|{{ lazy.aor }}|{{ lazy.owner }}",
    "{{ nobody }}|{{ nobody.aor }}|{{ nobody|default:'<none>' }}|{{ none }}",
    "{% if nobody %}a{% elif nobody.is_here %}b{% else %}c{% endif %}",
    "{% if phone.strikes >= 3 and yes %}many{% endif %}{% if not none %}none{% endif %}",
    "{{ row.tone }}{{ row.words }}{{ row.0 }}{{ row.9 }}{{ rows.1.words }}{{ rows.count }}",
    "{{ facts.aor }}{{ facts.items }}{{ facts.0 }}{{ facts.deep.er }}{{ facts.no }}",
    "{% for key, value in named.items %}{{ key }}{{ forloop.counter }}{% endfor %}",
    "{% for one in rows %}{{ one.words }}{{ forloop.last }}{% empty %}-{% endfor %}",
    "{{ form.q }}{{ form.q.errors }}{{ form.no }}{{ form.is_bound }}",
    "{{ plain }}{{ safe }}{{ plain|safe }}{{ safe|lower }}{{ plain|lower }}",
    "{% autoescape off %}{{ plain }}{{ safe }}{{ phone.aor|cut:'<' }}{% endautoescape %}",
    "{{ plain|add:safe }}{{ number|add:'5' }}{{ plain|default:phone.aor|cut:'<' }}",
    "{{ at }}{{ at|date:'H:i' }}{{ at|time:'H' }}{{ number }}{{ share }}{{ yes }}",
    "{% localize off %}{{ number }}{{ share }}{% endlocalize %}{{ share|floatformat:1 }}",
    "{{ word }}{{ none|default:_('Devices') }}{{ _('Devices') }}{{ word|lower }}",
    "{% translate 'Devices' %}{% translate 'Remote' context 'pushes' %}{% translate word %}",
    "{% translate 'Devices' as said %}[{{ said }}]{% translate '100%' %}{% translate plain %}",
    "{% translate 'Devices' noop %}{% translate 'Devices'|lower %}",
    "{% blocktranslate with aor=phone.aor %}Tick {{ aor }}{% endblocktranslate %}",
    "{% with tone=row.tone other=phone.owner %}{{ tone }}{{ other }}{% endwith %}",
    "{% include 'components/icon.html' with name=row.tone %}{% url 'notifications:devices' %}",
    "{% strikes none %}{{ at|instant }}{{ plain|linebreaksbr }}{{ rows|length }}",
)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_text_is_that_of_django(text, language):
    engine = engines["django"].engine
    with translation.override(language), timezone.override(ZoneInfo("Europe/Paris")):
        context = Context(SAID, use_tz=True)
        told = Swift(text, engine=engine).render(context)
        assert told == Template(text, engine=engine).render(Context(SAID, use_tz=True))


def test_words_follow_the_language_of_who_reads():
    template = Swift("{% translate 'Devices' %}", engine=engines["django"].engine)
    told = []
    for language in ("en", "fr", "en"):
        with translation.override(language):
            told.append(template.render(Context()))
    assert told == ["Devices", "Appareils", "Devices"]


def test_a_fault_of_ours_is_not_hidden():
    template = Swift("{{ phone.broken }}", engine=engines["django"].engine)
    with pytest.raises(ZeroDivisionError):
        template.render(Context(SAID))


def test_every_template_is_read_once():
    load_all()
    (loader,) = engines["django"].engine.template_loaders
    read = dict(loader.get_template_cache)
    assert {"base.html", "notifications/live.html"} <= read.keys()
    assert engines["django"].get_template("base.html").template is read["base.html"]
    with pytest.raises(TemplateDoesNotExist):
        engines["django"].get_template("nowhere.html")
