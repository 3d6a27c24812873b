"""The groups of people, as the migrations make them: each has its rights there."""

from __future__ import annotations

GROUPS = ("ops", "support", "admin")
