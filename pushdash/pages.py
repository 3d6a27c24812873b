"""Django's ASGI handler with each request whole in one thread.

All views and nearly all middleware are synchronous; Django's own handler sends each piece of
middleware to the thread and back, 21 times a request. Here a request goes there once.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse


class Pages(ASGIHandler):
    """An ASGI application; needs Django to be set up."""

    def load_middleware(self, is_async: bool = False) -> None:
        """As for WSGI, whatever the constructor asks for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        """The answer, from the thread of this request."""
        return await sync_to_async(self.get_response)(request)
