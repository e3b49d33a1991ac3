"""Import the whole package in a process of its own and print every table that names no plane, or an unknown one."""

import gc
import importlib
import pkgutil
import sys
from collections.abc import Iterator

from sqlalchemy import Table

import mainstay


def without_a_plane(tables: list[Table]) -> Iterator[str]:
    """The names of those that are on neither the tenant nor the control plane."""
    for table in tables:
        if table.info.get("plane") not in ("tenant", "control"):
            yield table.name


def import_everything() -> None:
    # Migrations run only inside Alembic; a pytest plugin and __main__ act on import.
    skipped = (".versions.", ".migrations.", "__main__", "pytest_plugin")
    for found in pkgutil.walk_packages(mainstay.__path__, "mainstay."):
        if not any(part in found.name + "." for part in skipped):
            importlib.import_module(found.name)


if __name__ == "__main__":
    import_everything()
    tables = [thing for thing in gc.get_objects() if isinstance(thing, Table)]
    # SQLAlchemy's dialect describes PostgreSQL's own catalogue in tables of its own.
    names = list(without_a_plane([table for table in tables if table.schema != "pg_catalog"]))
    for name in names:
        print(f"table {name} names no plane: info={{'plane': 'tenant'}} or 'control'")
    sys.exit(bool(names))
