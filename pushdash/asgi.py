"""ASGI: pages by Django, the live socket by Channels."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pushdash.settings")
pages = get_asgi_application()

from notifications.consumers import websocket_urlpatterns  # noqa: E402 (apps first)
from pushdash.bodies import BodyLimit  # noqa: E402
from pushdash.doors import BEACONS, PUSHES, Doors  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(Doors(Doors(pages, BEACONS, 2), PUSHES, 4)),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
    }
)
