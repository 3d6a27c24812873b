"""Django's handler, each request in one visit to its thread.

Ours is synchronous all through: middlewares and views. Django's own goes to the thread and
back for each middleware that has both ways.
"""

from __future__ import annotations

import threading

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import trans_real


class Handler(ASGIHandler):
    """An ASGI application."""

    def load_middleware(self, is_async: bool = False) -> None:
        """All of it synchronous, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponse:
        """What middlewares and view answer."""
        return await sync_to_async(self.get_response)(request)


def keep_by_thread() -> None:
    """Language and clock of who reads are those of the thread. Django keeps them for each task
    of asyncio, and a page asks for them a thousand times: a twentieth of its CPU.
    """
    trans_real._active = threading.local()
    timezone._active = threading.local()
