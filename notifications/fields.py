"""Form fields that Django lacks."""

from __future__ import annotations

from django import forms


class RowChoiceField(forms.ModelChoiceField):
    """One of some rows. PostgreSQL cannot compare with NUL: such a value is no choice."""

    def to_python(self, value):
        if isinstance(value, str) and "\x00" in value:
            raise forms.ValidationError(
                self.error_messages["invalid_choice"],
                code="invalid_choice",
                params={"value": value.replace("\x00", "\\u0000")},
            )
        return super().to_python(value)
