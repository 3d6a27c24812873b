"""Which language a person reads, and where it is chosen.

A page speaks the language of the cookie, else the first one the browser asks for that we have.
The choice of a person is kept with the login too: signing in brings it back to any browser.
What programs and files get is always English.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.translation import check_for_language
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from notifications.models import Preference

#: Asked by programs. Their answers are parsed, so they never change with a header.
PROGRAMS = ("/api/", "/gateway/", "/flexiapi/", "/healthz", "/readyz")
FILES = (".csv", ".ndjson", ".json")


class SpeakLanguage(LocaleMiddleware):
    """Django's own, but English to programs and in files."""

    def process_request(self, request: HttpRequest) -> None:
        if is_for_programs(request.path_info):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
        else:
            super().process_request(request)


def is_for_programs(path: str) -> bool:
    """True for an address whose answer a program reads."""
    return path.startswith(PROGRAMS) or path.endswith(FILES)


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keep the language, in this browser and with the login, and go back."""
    language = request.POST.get("language", "")
    if request.user.is_authenticated and check_for_language(language):
        Preference.objects.update_or_create(
            user=request.user, defaults={"language": language}
        )
    return set_language(request)


class SignIn(LoginView):
    """The login page; it brings back the language of the person."""

    redirect_authenticated_user = True

    def form_valid(self, form) -> HttpResponse:
        response = super().form_valid(form)
        chosen = Preference.objects.filter(user=form.get_user()).first()
        if chosen is not None and check_for_language(chosen.language):
            remember(response, chosen.language)
        return response


def remember(response: HttpResponse, language: str) -> None:
    """Put the language into the browser's cookie."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
