"""`manage.py reseal_keys`: seal everything anew with the newest key of the ring."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from notifications.credentials import CredentialError, reseal_all


class Command(BaseCommand):
    help = (
        "Seal every stored key with the first of PUSHDASH_ENCRYPTION_KEYS. Put the new key "
        "first and keep the old one behind it, restart, run this, then drop the old one."
    )

    def handle(self, **options) -> None:
        try:
            count = reseal_all()
        except CredentialError as error:
            raise CommandError(f"nothing was changed: {error}") from error
        self.stdout.write(f"{count} keys sealed anew")
