"""A payload template as a person types it: JSON, checked as Apple would."""

from __future__ import annotations

import json

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.forms import Dressed
from notifications.payloads import LIMITS, TemplateError, check, push_type_of, size_of


class TemplateForm(Dressed, forms.Form):
    """A payload template as JSON text, for one kind of push."""

    body = forms.CharField(
        label=_("Template (JSON)"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
    )

    def __init__(self, kind: str, *args, **kwargs) -> None:
        self.kind = kind
        super().__init__(*args, **kwargs)

    def clean_body(self) -> dict:
        try:
            template = json.loads(self.cleaned_data["body"])
            check(template, self.kind)
            # Half a surrogate pair or a NUL is no text that could be stored.
            json.dumps(template, ensure_ascii=False, allow_nan=False).encode()
        except TemplateError as error:
            raise forms.ValidationError(str(error)) from error
        except (ValueError, RecursionError) as error:
            told = gettext("This is no JSON: %(why)s") % {"why": error}
            raise forms.ValidationError(told) from error
        size, limit = size_of(template), LIMITS[push_type_of(self.kind)]
        if "\\u0000" in json.dumps(template):
            raise forms.ValidationError(gettext("It holds a NUL."))
        if size > limit:
            told = gettext("It has %(size)s bytes, Apple takes %(limit)s.")
            raise forms.ValidationError(told % {"size": size, "limit": limit})
        return template
