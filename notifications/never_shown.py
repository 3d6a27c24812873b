"""A text field for a secret of several lines: what was typed is never sent back."""

from __future__ import annotations

from django import forms


class NeverShown(forms.Textarea):
    """Empty whenever it is shown, like `forms.PasswordInput`."""

    def get_context(self, name: str, value: object, attrs: dict | None) -> dict:
        return super().get_context(name, None, attrs)
