"""Full-text: what a person types becomes an expression in which every word must occur, the last one as a prefix."""

import re

from sqlalchemy import Table

from mainstay.storage.types import POSTGRES

_WORD = re.compile(r"[^\W_]+")
# Stands for "no words at all": FTS5 would drop an empty phrase from the expression and match everything.
_NOTHING = "mainstay7f3e9c0a5d1b48nothing"
SEARCH_COLUMN = "mainstay_search"  # the generated tsvector column (PostgreSQL)
SEARCH_TENANT = "mainstay_tenant"  # the tenant's column in the index (SQLite)


def search_expression(dialect_name: str, words: str) -> str:
    """An FTS5 or tsquery expression for these words. Operators and quotes in them have no power."""
    found = [word.lower() for word in _WORD.findall(words)] or [_NOTHING]
    if dialect_name == POSTGRES:
        return " & ".join(f"'{word}'" for word in found) + ":*"
    return " AND ".join(f'"{word}"' for word in found) + "*"


def search_name(table: Table) -> str:
    """The FTS5 table that indexes `table` (SQLite)."""
    return f"{table.name}_search"


def indexed(column: str) -> str:
    """A searchable column's name inside the index: prefixed, because FTS5 keeps `rank` and `rowid` for itself."""
    return f"c_{column}"
