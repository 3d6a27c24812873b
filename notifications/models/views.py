"""Views of a list that people saved."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class SavedView(models.Model):
    """The address of a list under a name: a person's own, shared, or a group's default."""

    class Page(models.TextChoices):
        DEVICES = "devices"
        PUSHES = "pushes"

    page = models.TextField(choices=Page.choices)
    name = models.TextField()
    #: The part of the address behind the `?`, without a place in the list.
    address = models.TextField(blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="views"
    )
    is_shared = models.BooleanField(default=False)
    #: The group whose people get it when they open the page without an address.
    default_for = models.ForeignKey(
        Group, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "page", "name"], name="view_name_once_a_person"
            ),
            models.UniqueConstraint(
                fields=["page", "default_for"], name="view_one_default_a_group"
            ),
            models.CheckConstraint(
                condition=models.Q(default_for=None) | models.Q(is_shared=True),
                name="view_default_is_shared",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.page} {self.name}"
