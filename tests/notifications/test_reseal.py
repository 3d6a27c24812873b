"""Changing the key ring: everything is sealed anew, or nothing is touched."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.credentials import seal, unseal
from notifications.models import Credential, SharedToken
from tests.factories import app

pytestmark = pytest.mark.django_db
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture
def rows(settings):
    settings.PUSHDASH_ENCRYPTION_KEYS = [OLD]
    SharedToken.objects.create(name="T/K", sealed=seal("the token"), issued_at=1)
    return [
        Credential.objects.create(
            app=app(),
            environment=environment,
            team_id="TEAM123456",
            key_id="KEY1234567",
            sealed_key=seal(f"key of {environment}"),
            server=environment,
            created_at=timezone.now(),
        )
        for environment in ("production", "sandbox")
    ]


def test_after_resealing_the_old_key_is_not_needed(rows, settings):
    settings.PUSHDASH_ENCRYPTION_KEYS = [NEW, OLD]
    out = StringIO()
    call_command("reseal_keys", stdout=out)
    assert out.getvalue() == "2 keys sealed anew\n"
    settings.PUSHDASH_ENCRYPTION_KEYS = [NEW]
    for row in rows:
        row.refresh_from_db()
        assert unseal(row.sealed_key) == f"key of {row.environment}"
    assert unseal(SharedToken.objects.get().sealed) == "the token"


def test_one_key_that_cannot_be_opened_leaves_all_as_they_were(rows, settings):
    Credential.objects.filter(pk=rows[1].pk).update(sealed_key=b"of another ring")
    settings.PUSHDASH_ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("reseal_keys")
    settings.PUSHDASH_ENCRYPTION_KEYS = [OLD]
    rows[0].refresh_from_db()
    assert unseal(rows[0].sealed_key) == "key of production"


def test_a_shared_token_nobody_can_open_is_dropped(rows, settings):
    SharedToken.objects.update(sealed=b"of another ring")
    settings.PUSHDASH_ENCRYPTION_KEYS = [NEW, OLD]
    call_command("reseal_keys", stdout=StringIO())
    assert not SharedToken.objects.exists()
