"""ASGI: pages by Django, the live socket by Channels."""

from __future__ import annotations

import os

import django
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
django.setup(set_prefix=False)

from notifications.consumers import websocket_urlpatterns  # noqa: E402 (apps first)
from pushdash.bodies import BodyLimit  # noqa: E402
from pushdash.doors import THREADS, Doors  # noqa: E402
from pushdash.handler import Handler, keep_by_thread  # noqa: E402
from pushdash.planning import plan_for_pages  # noqa: E402
from pushdash.rendering import load_all  # noqa: E402
from registrations.long_running import settle_in, take_short_turns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(Doors(Handler(), THREADS)),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
plan_for_pages()
keep_by_thread()
load_all()
settle_in()
take_short_turns()
