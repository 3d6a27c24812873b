"""Sessions of pages plan for pages."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.backends.signals import connection_created

from pushdash.planning import plan_for_pages

WANTED = {
    "random_page_cost": "1.1",
    "enable_mergejoin": "off",
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
}


def settings() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(WANTED)]
        )
        return dict(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_a_connection_opened_from_then_on_plans_for_pages():
    assert settings() != WANTED
    plan_for_pages()
    try:
        assert settings() != WANTED
        connection.close()
        assert settings() == WANTED
    finally:
        connection_created.disconnect(dispatch_uid="pushdash.planning")
        connection.close()
