"""Middlewares and views of a request run in one visit to one thread."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import trans_real

from pushdash.handler import Handler, keep_by_thread

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_request_is_answered_in_another_thread_than_the_loop(monkeypatch):
    handler, seen = Handler(), []
    answer = handler.get_response

    def watched(request: HttpRequest):
        seen.append(threading.current_thread())
        return answer(request)

    monkeypatch.setattr(handler, "get_response", watched)
    request = HttpRequest()
    request.method, request.path, request.path_info = "GET", "/healthz", "/healthz"
    request.META["HTTP_HOST"] = "localhost"
    response = asyncio.run(handler.get_response_async(request))
    assert response.status_code == 200
    assert seen != [threading.main_thread()]


def test_language_and_clock_are_those_of_the_thread(monkeypatch):
    for module in (trans_real, timezone):
        # Put back afterwards.
        monkeypatch.setattr(module, "_active", module._active)
    keep_by_thread()
    translation.activate("fr")
    timezone.activate("Europe/Paris")
    told = []

    def tell() -> None:
        told.append((translation.get_language(), timezone.get_current_timezone_name()))

    tell()
    other = threading.Thread(target=tell)
    other.start()
    other.join()
    assert told == [("fr", "Europe/Paris"), ("en", "UTC")]
