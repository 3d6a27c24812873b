"""Which clock a person reads: that of a zone they chose, or UTC. Programs and files get UTC."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from notifications.models import Preference
from pushdash.languages import is_for_programs

#: Says "UTC for now" in this browser; the person's zone stays.
COOKIE, UTC_FOR_NOW = "clock", "utc"
YEAR_SECONDS = 365 * 86_400


@cache
def zones() -> tuple[str, ...]:
    """The zones to choose, by name: a place each."""
    places = (name for name in available_timezones() if "/" in name)
    return tuple(sorted(name for name in places if not name.startswith("Etc/")))


class KeepTime(MiddlewareMixin):
    """Shows every moment of a page by the clock of who reads it."""

    def process_request(self, request: HttpRequest) -> None:
        timezone.deactivate()
        if is_for_programs(request.path_info):
            return
        zone = getattr(request.user, "zone", None) or ""
        if zone in zones() and request.COOKIES.get(COOKIE) != UTC_FOR_NOW:
            timezone.activate(ZoneInfo(zone))


class ZoneForm(forms.Form):
    """A zone by its name; empty is UTC."""

    zone = forms.ChoiceField(required=False)

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        names = [(name, name.replace("_", " ")) for name in zones()]
        self.fields["zone"].choices = [("", "UTC"), *names]
        self.fields["zone"].widget.attrs["class"] = "form-select"


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def time_zone(request: HttpRequest) -> HttpResponse:
    """Choose the zone; it is kept with the login."""
    form = ZoneForm(request.POST or None, initial={"zone": _zone_of(request)})
    if request.method == "POST" and form.is_valid():
        chosen = {"timezone": form.cleaned_data["zone"]}
        Preference.objects.update_or_create(user=request.user, defaults=chosen)
        answer = redirect("time-zone")
        answer.delete_cookie(COOKIE)
        return answer
    context = {"page": "time-zone", "form": form, "now": timezone.now()}
    return render(request, "time_zone.html", context)


def _zone_of(request: HttpRequest) -> str:
    return getattr(request.user, "zone", None) or ""


@require_POST
@login_required
def switch_clock(request: HttpRequest) -> HttpResponse:
    """Between the zone of the person and UTC, in this browser."""
    back = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    answer = redirect(back if ours else "/")
    if request.COOKIES.get(COOKIE) == UTC_FOR_NOW:
        answer.delete_cookie(COOKIE)
    else:
        answer.set_cookie(COOKIE, UTC_FOR_NOW, YEAR_SECONDS, samesite="Lax")
    return answer
