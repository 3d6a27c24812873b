"""`manage.py try_credential BUNDLE ENVIRONMENT`: does APNs accept key, team and topics?"""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications.dry_run import dry_run
from notifications.models import Credential
from registrations.models import Environment


class Command(BaseCommand):
    help = (
        "Ask APNs about a stored key with a token that is nobody's: no phone rings. Exit "
        "status 0 when key, team and both topics are accepted."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("bundle_id", metavar="BUNDLE")
        parser.add_argument("environment", choices=Environment.values)

    def handle(self, *, bundle_id: str, environment: str, **options) -> None:
        rows = Credential.objects.select_related("app")
        found = rows.filter(app__bundle_id=bundle_id, environment=environment).first()
        if found is None:
            raise CommandError(f"no key is stored for {bundle_id} in {environment}")
        findings = dry_run(found, timezone.now())
        for finding in findings:
            self.stdout.write(f"{finding.topic}: {finding.words}")
        if not all(finding.is_ok for finding in findings):
            raise SystemExit(1)
