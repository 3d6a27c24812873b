"""What files hold, written by PostgreSQL: models and datetimes of a row cost more than it."""

from __future__ import annotations

from django.db.models import Func, TextField


class Iso(Func):
    """A moment as ISO 8601; the session's zone is UTC."""

    template = """to_char(%(expressions)s, 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    output_field = TextField()


class Address(Func):
    """A Contact without its parameters."""

    template = "split_part(%(expressions)s, ';', 1)"
    output_field = TextField()


class Masked(Func):
    """Of a token what `registrations.models.masked` shows."""

    template = "left(%(expressions)s, 6) || '…' || right(%(expressions)s, 4)"
    output_field = TextField()


class Rules(Func):
    """The rules of a list of problems, with a blank between two: nearly all lists are empty."""

    template = (
        "CASE WHEN %(expressions)s = '[]' THEN '' ELSE array_to_string(ARRAY("
        "SELECT value->>'rule' FROM jsonb_array_elements(%(expressions)s)), ' ') END"
    )
    output_field = TextField()


class Held(Func):
    """`voip 00fc13…8512 valid fine 0`: a token's kind, the token masked, its health, the state
    of its ledger and the strikes; `-` where there is no ledger.
    """

    output_field = TextField()

    def as_sql(self, compiler, connection, **_):
        kind, token, health, state, strikes = (
            compiler.compile(one)[0] for one in self.source_expressions
        )
        shown = Masked.template % {"expressions": token}
        said = f"coalesce({health}, 'valid')", f"coalesce({state}, '-')"
        last = f"coalesce({strikes}, 0)"
        return " || ' ' || ".join((kind, shown, *said, last)), []
