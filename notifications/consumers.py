"""The live socket: the whole picture on connecting, then what changed, as fast as the
client takes it. Login and right to see are asked for again every few seconds.
"""

from __future__ import annotations

import asyncio
import time

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.urls import path

from notifications.live import HUB

ANONYMOUS, NO_RIGHT = 4401, 4403
ASK_AGAIN_SECONDS = 5


class LiveConsumer(AsyncWebsocketConsumer):
    """One browser on the live page."""

    channel_layer_alias = None
    _task: asyncio.Task | None = None

    async def connect(self) -> None:
        await self.accept()
        code = await refusal_of(self._session)
        if code is not None:
            await self.close(code)
        else:
            HUB.join()
            self._task = asyncio.ensure_future(self._send_frames())

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            HUB.leave()

    @property
    def _session(self) -> str | None:
        return self.scope["session"].session_key

    async def _send_frames(self) -> None:
        seen, asked = 0, time.monotonic()
        while True:
            seen, frame = await HUB.next_frame(seen)
            if time.monotonic() - asked > ASK_AGAIN_SECONDS:
                asked = time.monotonic()
                code = await refusal_of(self._session)
                if code is not None:
                    await self.close(code)
                    return
            await self.send(text_data=frame)


@database_sync_to_async
def refusal_of(session_key: str | None) -> int | None:
    """Why the socket of this session is to be closed: logged out, a new password, a login or
    right taken away. Asked of the database each time; None while it may go on.
    """
    request = HttpRequest()
    request.session = SessionStore(session_key)
    user = get_user(request)
    if not user.is_authenticated:
        return ANONYMOUS
    return None if user.has_perm("notifications.see") else NO_RIGHT


websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
