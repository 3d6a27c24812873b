"""`manage.py demo_prepare`: logins and apps of the demo. Called by `up --demo`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.core.management.base import BaseCommand
from django.utils import timezone

from pushdash import demo
from simulator.tls import make_identity


class Command(BaseCommand):
    help = "Make the demo's logins, apps and credentials (bin/up --demo calls it)."

    def add_arguments(self, parser) -> None:
        parser.add_argument("--folder", type=Path, required=True)
        parser.add_argument("--apns-port", type=int, required=True)
        parser.add_argument("--url", required=True, help="where apps post beacons")

    def handle(self, *, folder: Path, apns_port: int, url: str, **options) -> None:
        passwords = json.loads(os.environ.get("PUSHDASH_DEMO_PASSWORDS", "{}"))
        demo.create_users(passwords)
        now = timezone.now()
        demo.create_apps(make_identity(folder), apns_port, now)
        demo.create_beacons(folder, url, now)
