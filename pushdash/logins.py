"""Who is logged in: the person with their groups and rights, read in one question."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

#: In PostgreSQL's words: each page asks this, and Django took two milliseconds to say it.
PERSON = """
    SELECT auth_user.*,
        (SELECT timezone FROM notifications_preference WHERE user_id = auth_user.id) AS zone,
        ARRAY(
            SELECT name FROM auth_group JOIN auth_user_groups ON group_id = auth_group.id
            WHERE user_id = auth_user.id ORDER BY name
        ) AS group_names,
        ARRAY(
            SELECT app_label || '.' || codename FROM auth_permission
            JOIN django_content_type ON django_content_type.id = content_type_id
            WHERE auth_permission.id IN (
                SELECT permission_id FROM auth_user_user_permissions
                WHERE user_id = auth_user.id
                UNION ALL
                SELECT permission_id FROM auth_group_permissions
                JOIN auth_user_groups USING (group_id) WHERE user_id = auth_user.id
            )
        ) AS rights
    FROM auth_user WHERE id = %s
"""


class Logins(ModelBackend):
    """Django's own, with one query a page where that has four."""

    def get_user(self, user_id: int) -> User | None:
        """The person, with `group_names`, `rights` and the `zone` of their clock; None for
        one who may not log in.
        """
        user = next(iter(User.objects.raw(PERSON, [user_id])), None)
        return user if self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj, obj=None) -> set[str]:
        """What was read with the person; asked for where they came another way."""
        if obj is None and user_obj.is_active and hasattr(user_obj, "rights"):
            return set(user_obj.rights)
        return super().get_all_permissions(user_obj, obj)
