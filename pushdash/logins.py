"""Who is logged in: the person with their groups and rights, read in one question."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission, User
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, Subquery, Value
from django.db.models.functions import Concat

from notifications.models import Preference


class Logins(ModelBackend):
    """Django's own, with one query a page where that has four."""

    def get_user(self, user_id: int) -> User | None:
        """The person, with `group_names`, `rights` and the `zone` of their clock; None for
        one who may not log in.
        """
        names = Group.objects.filter(user=OuterRef("pk")).order_by("name")
        holds = Q(user=OuterRef("pk")) | Q(group__user=OuterRef("pk"))
        rights = Permission.objects.filter(holds).order_by()
        named = Concat("content_type__app_label", Value("."), "codename")
        chosen = Preference.objects.filter(user=OuterRef("pk")).values("timezone")
        people = User.objects.annotate(
            zone=Subquery(chosen[:1]),
            group_names=ArraySubquery(names.values("name")),
            rights=ArraySubquery(rights.values_list(named).distinct()),
        )
        user = people.filter(pk=user_id).first()
        return user if self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj, obj=None) -> set[str]:
        """What was read with the person; asked for where they came another way."""
        if obj is None and user_obj.is_active and hasattr(user_obj, "rights"):
            return set(user_obj.rights)
        return super().get_all_permissions(user_obj, obj)
