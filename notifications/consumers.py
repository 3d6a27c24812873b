"""The live socket: the whole picture on connecting, then what changed, as fast as the
client takes it. The right to see is asked for again every few seconds, for all sockets at once.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cached_property
from urllib.parse import parse_qs
from zoneinfo import available_timezones

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.urls import path

from notifications.live import HUB
from notifications.socket_rights import refusals_of

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 5
KNOWN_ZONES = available_timezones() - {"UTC"}


class LiveConsumer(AsyncWebsocketConsumer):
    """One browser on the live page."""

    channel_layer_alias = None
    _task: asyncio.Task | None = None

    async def connect(self) -> None:
        await self.accept()
        refused = await ask({self.session_key})
        if refused:
            await self.close(refused[self.session_key])
        else:
            HUB.join(self.language)
            DOOR.join(self)
            self._task = asyncio.ensure_future(self._send_frames())

    async def disconnect(self, code: int) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
            DOOR.leave(self)
            HUB.leave(self.language)

    @property
    def session_key(self) -> str | None:
        """The session of the login; None for nobody."""
        return self.scope["session"].session_key

    @cached_property
    def language(self) -> str:
        """Language and zone of the page that opened it: it says so in the address."""
        asked = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        said, zone = (asked.get(name, [""])[0] for name in ("language", "zone"))
        spoken = said if said in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        return f"{spoken} {zone}" if zone in KNOWN_ZONES else spoken

    async def shut(self, code: int) -> None:
        """No frame any more: the right to see is gone."""
        if self._task is not None:
            self._task.cancel()
        await self.close(code)

    async def _send_frames(self) -> None:
        seen = 0
        while True:
            seen, frame = await HUB.next_frame(self.language, seen)
            await self.send(text_data=frame)


class Door:
    """Asks for the rights of all open sockets; runs while there are any."""

    def __init__(self) -> None:
        self._sockets: set[LiveConsumer] = set()
        self._task: asyncio.Task | None = None

    def join(self, socket: LiveConsumer) -> None:
        """A socket opened."""
        self._sockets.add(socket)
        if self._task is None:
            self._task = asyncio.ensure_future(self._watch())

    def leave(self, socket: LiveConsumer) -> None:
        """A socket closed; the last one stops the asking."""
        self._sockets.discard(socket)
        if not self._sockets and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            try:
                refused = await ask({socket.session_key for socket in self._sockets})
            except DatabaseError as error:
                # The hub cannot read either: no frame goes out meanwhile.
                logger.warning("rights cannot be asked", extra={"why": str(error)})
                continue
            except Exception:
                logger.exception("rights cannot be asked")
                continue
            for socket in list(self._sockets):
                if socket.session_key in refused:
                    await socket.shut(refused[socket.session_key])


ask = database_sync_to_async(refusals_of)
DOOR = Door()
websocket_urlpatterns = [path("ws/live/", LiveConsumer.as_asgi())]
