"""A case id a request: on the page of an error, in its header and in the server's log."""

from __future__ import annotations

import logging
import secrets

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

HEADER = "X-Case"


def name_cases(get_response):
    """Give each request an id; an error's answer carries it."""

    def middleware(request):
        request.case = new_case()
        return _told(request, get_response(request))

    return middleware


def new_case() -> str:
    """Eight characters that can be read out on the telephone."""
    return secrets.token_hex(4).upper()


def _told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if response.status_code >= 400:
        response[HEADER] = request.case
    return response


class NameCase(logging.Filter):
    """Adds `case=` to what is logged of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        case = getattr(getattr(record, "request", None), "case", None)
        if case is not None:
            record.case = case
        return True


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of a 500. It asks the database nothing: that may be what is broken."""
    context = {"case": getattr(request, "case", "")}
    return render(None, "500.html", context, status=500)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page of a form without a valid CSRF token: the login changed, or it is old."""
    return render(request, "403_form.html", status=403)
