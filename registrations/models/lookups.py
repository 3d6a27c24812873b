"""What devices and tokens are looked for by, in a form that an index has."""

from __future__ import annotations

from django.db import connection, models


class Name(models.Transform):
    """`aor__name`: in capitals and without its scheme, as people look for it.

    Byte by byte, so that an index finds its beginning in a database of any locale.
    """

    lookup_name = "name"
    output_field = models.TextField()
    template = "(upper(regexp_replace(%(expressions)s, '^[a-z]+:', '')) COLLATE \"C\")"


class Head(models.Transform):
    """`user_agent__head`: its first 100 characters, short enough for an index."""

    lookup_name = "head"
    output_field = models.TextField()
    template = "left(%(expressions)s, 100)"


class Among(models.Lookup):
    """One of a list, which PostgreSQL gets as one value: of `__in` it reads each by itself.

    Of an `ArraySubquery` each is looked up once all are found, however many PostgreSQL expects.
    """

    prepare_rhs = False

    def as_sql(self, compiler, connection) -> tuple[str, list]:
        """The condition and what it is given."""
        left, given = self.process_lhs(compiler, connection)
        right, more = self.process_rhs(compiler, connection)
        return f"{left} = ANY({right})", [*given, *more]


class Backwards(models.Transform):
    """`token__backwards`: so that an index finds its end."""

    lookup_name = "backwards"
    output_field = models.TextField()
    template = '(reverse(%(expressions)s) COLLATE "C")'


#: Devices page: a beginning of an AOR; app and environment; version and phone; the few whose
#: Contact breaks a rule. None of it changes with a refresh.
DEVICES_BY = (
    models.Index(Name("aor"), name="device_by_name"),
    models.Index(fields=["bundle_id", "environment"], name="device_of_app"),
    models.Index(Head("user_agent"), name="device_by_agent"),
    models.Index(
        fields=["id"], condition=~models.Q(problems=[]), name="device_in_trouble"
    ),
)


#: Search: a token, its first and its last characters.
TOKENS_BY = (
    models.Index(
        fields=["token"], opclasses=["text_pattern_ops"], name="pushtoken_by_token"
    ),
    models.Index(Backwards("token"), name="pushtoken_by_end"),
)


#: Devices page: who holds such a token now.
HOLDINGS_BY = (
    models.Index(
        fields=["token"],
        include=["device"],
        condition=models.Q(current=True),
        name="holding_now",
    ),
)


class Fingerprint(models.Func):
    """SHA-256 of a token, as 32 bytes. (`\\` would begin an escape in a bytea.)"""

    template = r"sha256(replace(%(expressions)s, '\', '\\')::bytea)"
    output_field = models.BinaryField()


#: From one User-Agent to the next: as many looks into an index as there are different ones.
HEADS = """
    WITH RECURSIVE heads (head) AS (
        (SELECT left(user_agent, 100) FROM registrations_device ORDER BY 1 LIMIT 1)
        UNION ALL
        SELECT (
            SELECT left(user_agent, 100) FROM registrations_device
            WHERE left(user_agent, 100) > head ORDER BY 1 LIMIT 1
        ) FROM heads WHERE head IS NOT NULL
    )
    SELECT head FROM heads WHERE head IS NOT NULL LIMIT %s
"""


def agent_heads(most: int) -> list[str]:
    """The beginnings of the User-Agents of all devices, at most so many."""
    with connection.cursor() as cursor:
        cursor.execute(HEADS, [most])
        return [head for (head,) in cursor.fetchall()]
