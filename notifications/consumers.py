"""The live socket: the whole picture on connecting, then the latest frame, as fast as the
client takes them. The right to see is asked for again every few seconds.
"""

from __future__ import annotations

import asyncio
import time

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth import get_user_model
from django.urls import path

from notifications.live import HUB

ANONYMOUS, NO_RIGHT = 4401, 4403
ASK_AGAIN_SECONDS = 5


class LiveConsumer(AsyncWebsocketConsumer):
    """One browser on the live page."""

    channel_layer_alias = None
    _task: asyncio.Task | None = None

    async def connect(self) -> None:
        user = self.scope["user"]
        await self.accept()
        if not user.is_authenticated:
            await self.close(ANONYMOUS)
        elif not await may_see(user.pk):
            await self.close(NO_RIGHT)
        else:
            HUB.join()
            self._task = asyncio.ensure_future(self._send_frames(user.pk))

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            HUB.leave()

    async def _send_frames(self, user_id: int) -> None:
        seen, asked = 0, time.monotonic()
        while True:
            seen, frame = await HUB.next_frame(seen)
            if time.monotonic() - asked > ASK_AGAIN_SECONDS:
                asked = time.monotonic()
                if not await may_see(user_id):
                    await self.close(NO_RIGHT)
                    return
            await self.send(text_data=frame)


@database_sync_to_async
def may_see(user_id: int) -> bool:
    """Asked of the database each time: rights are taken away there."""
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    return user is not None and user.has_perm("notifications.see")


websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
