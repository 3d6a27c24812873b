"""Many rows as one parameter a column, which PostgreSQL makes a table of again.

Django's `bulk_update` and `bulk_create` build an expression a row and a column: three
quarters of a worker's time went into them.
"""

from __future__ import annotations

from collections.abc import Mapping


def unnested(name: str, columns: Mapping[str, str]) -> str:
    """`unnest(…) AS name(column, …)` of these columns and their types, for FROM: the
    parameters are one list a column, all of one length.
    """
    arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
    return f"unnest({arrays}) AS {name}({', '.join(columns)})"
