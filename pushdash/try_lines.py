"""Tries lines of a log before a source is connected: what pushdash reads of them."""

from __future__ import annotations

from django import forms
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from registrations.trying import MOST_BYTES, Tried, tried


class LinesForm(forms.Form):
    """Lines as they were copied out of a log."""

    lines = forms.CharField(
        strip=False,
        max_length=MOST_BYTES,
        label=_("Lines of a log"),
        help_text=_("One whole REGISTER or more, at most 65,536 characters."),
        widget=forms.Textarea(
            attrs={
                "class": "form-control pd-mono",
                "rows": 12,
                "spellcheck": "false",
                "autocomplete": "off",
            }
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@permission_required("notifications.see", raise_exception=True)
def try_lines(request: HttpRequest) -> HttpResponse:
    """What is read of them: format, devices, tokens, broken rules. Nothing is stored."""
    form, found = LinesForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        found = _read(form.cleaned_data["lines"])
    context = {"page": "settings", "form": form, "tried": found}
    status = 422 if form.errors else 200
    return render(request, "try_lines.html", context, status=status)


def _read(lines: str) -> Tried:
    # A form sends each end of a line as CR LF, whatever the log had.
    return tried(lines.replace("\r\n", "\n").encode())
