"""What a database may refuse, in words of no driver.

StorageError
├── UniqueClash         another row of the tenant has that key
├── ReferenceMissing    a reference to nothing, or a row that others still refer to
└── CheckFailed         a value that the column or a CHECK does not admit
"""


class StorageError(Exception):
    """The database refused the values; nothing was written. Callers translate it: it is never shown as it is."""


class UniqueClash(StorageError):
    """Another row has that key. `columns` names the key's columns, without the tenant's.

    Under row security PostgreSQL tells no columns, but the name of the constraint.
    """

    def __init__(self, columns: tuple[str, ...], table: str = "", constraint: str = "") -> None:
        super().__init__(f"Another row has the same {', '.join(columns) or 'key'}.")
        self.columns = columns
        self.table = table
        self.constraint = constraint


class ReferenceMissing(StorageError):
    """A reference does not hold: it points to nothing, or rows still point to what is going away.

    `columns` is empty where the database does not say which (SQLite never does; under row security PostgreSQL names
    the constraint only).
    """

    def __init__(self, columns: tuple[str, ...] = (), table: str = "", constraint: str = "") -> None:
        super().__init__("A reference does not hold.")
        self.columns = columns
        self.table = table
        self.constraint = constraint


class CheckFailed(StorageError):
    """A CHECK, NOT NULL or type rule of the table refused a value. `name` is the constraint's, or `table.column`."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The rule {name} does not hold.")
        self.name = name
