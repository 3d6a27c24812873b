"""Views that people saved: who sees which, saving, sharing, one default a group."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from notifications import audit
from notifications.fields import RowChoiceField
from notifications.groups import GROUPS
from notifications.models import SavedView

#: Parts of an address that are a place in the list, and no part of a view.
PLACES = ("before", "after", "view")
MOST = 100


class TooMany(Exception):
    """A person has as many views as one may have."""


class NameTaken(Exception):
    """The person has another view of that name on the page."""


class Name(forms.CharField):
    """A name of at most 60 characters."""

    def __init__(self) -> None:
        told = _("A view wants a name of at most 60 characters.")
        super().__init__(
            max_length=60, error_messages={"required": told, "max_length": told}
        )


class NameForm(forms.Form):
    """What a view is to be called."""

    name = Name()


class ViewForm(forms.Form):
    """A name for the address that is shown."""

    page = forms.ChoiceField(choices=SavedView.Page.choices)
    name = Name()
    address = forms.CharField(required=False, max_length=4000)
    is_shared = forms.BooleanField(required=False)
    default_for = RowChoiceField(
        Group.objects.all(), required=False, to_field_name="name"
    )


@dataclass(frozen=True, slots=True)
class Views:
    """What the menu of views shows."""

    page: str
    views: list[SavedView]
    address: str
    groups: tuple[str, ...]
    #: What a person of this group sees first; None where nobody chose one.
    first: SavedView | None


def views_for(user: AbstractBaseUser, page: str, asked: QueryDict) -> Views:
    """The person's own views and the shared ones, and the address as it is now."""
    sets_defaults = user.has_perm("notifications.manage_users")
    groups = GROUPS if sets_defaults else ()
    views = list(seen_by(user, page))
    firsts = sorted(
        (view for view in views if view.is_first), key=lambda view: view.default_for_id
    )
    return Views(page, views, without_place(asked), groups, next(iter(firsts), None))


def seen_by(user: AbstractBaseUser, page: str) -> QuerySet[SavedView]:
    """Their own, and what others share; `is_first` where it is that of a group of theirs."""
    rows = SavedView.objects.filter(Q(owner=user) | Q(is_shared=True), page=page)
    theirs = user.groups.filter(pk=OuterRef("default_for"))
    return rows.annotate(is_first=Exists(theirs)).select_related("owner", "default_for")


def without_place(asked: QueryDict) -> str:
    """The address without a place in the list."""
    kept = asked.copy()
    for name in PLACES:
        kept.pop(name, None)
    return kept.urlencode()[:4000]


@transaction.atomic
def save(values: dict, by: AbstractBaseUser, now: datetime) -> SavedView:
    """Store a view under its name; the same name again changes it.

    A default is shared, and takes the place of the group's former one. Raises TooMany.
    """
    group = values["default_for"]
    if group is not None:
        SavedView.objects.filter(page=values["page"], default_for=group).update(
            default_for=None
        )
    elif by.views.count() >= MOST:
        raise TooMany
    address = without_place(QueryDict(values["address"].lstrip("?")))
    is_shared = values["is_shared"] or group is not None
    view, _made = SavedView.objects.update_or_create(
        owner=by,
        page=values["page"],
        name=values["name"],
        defaults={
            "address": address,
            "is_shared": is_shared,
            "default_for": group,
            "created_at": now,
        },
    )
    if is_shared:
        facts = {"page": view.page, "query": address}
        if group is not None:
            facts["default_for"] = group.name
        audit.note(by, "view.share", view.name, now, **facts)
    return view


@transaction.atomic
def rename(view: SavedView, name: str, by: AbstractBaseUser, now: datetime) -> None:
    """Call a view something else. Raises NameTaken where its owner has one of that name."""
    named = SavedView.objects.filter(owner=view.owner_id, page=view.page, name=name)
    if named.exclude(pk=view.pk).exists():
        raise NameTaken
    before, view.name = view.name, name
    view.save(update_fields=["name"])
    if view.is_shared:
        audit.note(by, "view.rename", name, now, page=view.page, before=before)


@transaction.atomic
def delete(view: SavedView, by: AbstractBaseUser, now: datetime) -> None:
    """Take a view away; one that others saw leaves an audit entry."""
    if view.is_shared:
        audit.note(by, "view.delete", view.name, now, page=view.page)
    view.delete()
