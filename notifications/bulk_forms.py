"""What chooses the pushes or devices of a bulk, and what confirms it."""

from __future__ import annotations

import uuid
from datetime import datetime

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext

from notifications import device_terms, push_terms
from notifications.bulk import RATES
from notifications.keyset import BY_ID, query, words
from notifications.models import App, Bulk, Push
from notifications.terms import read_query
from registrations.models import Device

#: Rows ticked one by one; a page of a list has no more.
MOST_TICKED = 1000
SHORTEST_REASON = 5


class BulkForm(forms.Form):
    """The confirmation: `typed` must be the number that will be done, `asked` the address of
    the dry run.
    """

    key = forms.UUIDField()
    asked = forms.CharField(required=False, max_length=60_000)
    kind = forms.ChoiceField(choices=Bulk.Kind.choices)
    rate = forms.TypedChoiceField(
        coerce=int, choices=[(rate, str(rate)) for rate in RATES]
    )
    typed = forms.IntegerField()
    reason = forms.CharField(required=False, max_length=500)

    def clean_reason(self) -> str:
        """A reset wants one, as a single reset does."""
        reason = self.cleaned_data["reason"]
        is_reset = self.cleaned_data.get("kind") == Bulk.Kind.RESET
        if is_reset and len(reason) < SHORTEST_REASON:
            told = gettext("Type a reason of at least 5 characters.")
            raise forms.ValidationError(told)
        return reason


def kind_of(asked: QueryDict) -> str:
    """How pushes are to be sent; without a word VoIP pushes are left out."""
    kind = asked.get("kind", "")
    return kind if kind in Bulk.RESENDS else Bulk.Kind.REMOTE


def kind_of_devices(asked: QueryDict) -> str:
    """What is to be done to devices; without a word nothing is changed by it."""
    kind = asked.get("kind", "")
    return kind if kind in Bulk.OF_DEVICES else Bulk.Kind.TEST


def chosen_by(asked: QueryDict, now: datetime) -> QuerySet[Push]:
    """The pushes an address names: `push=` each, or with `all=1` all its filters leave."""
    if asked.get("all"):
        return push_terms.fitting(push_terms.asked_of(asked), now)
    return Push.objects.filter(pk__in=ticked(asked))


def devices_chosen_by(asked: QueryDict, now: datetime) -> QuerySet[Device]:
    """The devices an address names: `device=` each, or with `all=1` all its query leaves."""
    rows = Device.objects.all()
    if not asked.get("all"):
        return rows.filter(pk__in=_ids(asked.getlist("device")))
    known = device_terms.kinds(App.objects.all())
    return device_terms.fitting(rows, read_query(_typed(asked), known), now)


def ticked(asked: QueryDict) -> list[uuid.UUID]:
    """The ids of `push=`."""
    ids = map(_uuid, asked.getlist("push")[:MOST_TICKED])
    return [found for found in ids if found is not None]


def list_address(asked: QueryDict) -> str:
    """The address on Pushes of all that match; empty for ticked rows."""
    if not asked.get("all"):
        return ""
    return query(**push_terms.asked_of(asked).address)


def devices_address(asked: QueryDict) -> str:
    """The same on Devices; `q=` is all there are."""
    if not asked.get("all"):
        return ""
    return query(q=_typed(asked)) or "q="


def _typed(asked: QueryDict) -> str:
    return words(asked.get("q", ""))


def _ids(texts: list[str]) -> list[int]:
    places = map(BY_ID.read, texts[:MOST_TICKED])
    return [place[0] for place in places if place is not None]


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
