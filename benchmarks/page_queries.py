"""What a page asks the database: its queries, and those that take long."""

from __future__ import annotations

import importlib
import time
from dataclasses import dataclass, field
from functools import cache

from django.db import connection
from django.test import Client

SLOW_MS = 100
#: As much of a query is told.
TOLD = 2000


@dataclass(slots=True)
class Asked:
    """How many queries, and (milliseconds, address, SQL) of each slow one."""

    number: int = 0
    slow: list[tuple[int, str, str]] = field(default_factory=list)


def queries_of(address: str) -> Asked:
    """Open the page once in this process."""
    asked = Asked()

    def watch(execute, sql, params, many, context):
        began = time.perf_counter()
        answer = execute(sql, params, many, context)
        took = round((time.perf_counter() - began) * 1000)
        asked.number += 1
        if took >= SLOW_MS:
            told = (sql % tuple(map(repr, params)) if params else sql)[-TOLD:]
            asked.slow.append((took, address, " ".join(told.split())))
        return answer

    client = _client()
    with connection.execute_wrapper(watch):
        client.get(address)
    return asked


@cache
def _client() -> Client:
    models = importlib.import_module("django.contrib.auth.models")
    client = Client(headers={"host": "localhost"})
    client.force_login(models.User.objects.get(username="ada"))
    return client
