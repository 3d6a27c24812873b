"""What chooses the pushes of a bulk, and what confirms it."""

from __future__ import annotations

import uuid

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from notifications import push_terms
from notifications.bulk import RATES
from notifications.keyset import query
from notifications.models import Bulk, Push

#: Rows ticked one by one; a page of a list has no more.
MOST_TICKED = 1000


class BulkForm(forms.Form):
    """The confirmation: `typed` must be the number that will be sent, `asked` the address
    of the dry run.
    """

    key = forms.UUIDField()
    asked = forms.CharField(required=False, max_length=60_000)
    kind = forms.ChoiceField(choices=Bulk.Kind.choices)
    rate = forms.TypedChoiceField(
        coerce=int, choices=[(rate, str(rate)) for rate in RATES]
    )
    typed = forms.IntegerField()


def kind_of(asked: QueryDict) -> str:
    """How they are to be sent; without a word VoIP pushes are left out."""
    kind = asked.get("kind", "")
    return kind if kind in Bulk.Kind.values else Bulk.Kind.REMOTE


def chosen_by(asked: QueryDict, now) -> QuerySet[Push]:
    """The pushes an address names: `push=` each, or with `all=1` all its filters leave."""
    if asked.get("all"):
        return push_terms.fitting(push_terms.asked_of(asked), now)
    return Push.objects.filter(pk__in=ticked(asked))


def ticked(asked: QueryDict) -> list[uuid.UUID]:
    """The ids of `push=`."""
    ids = map(_uuid, asked.getlist("push")[:MOST_TICKED])
    return [found for found in ids if found is not None]


def list_address(asked: QueryDict) -> str:
    """The address on Pushes of all that match; empty for ticked rows."""
    if not asked.get("all"):
        return ""
    return query(**push_terms.asked_of(asked).address)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
