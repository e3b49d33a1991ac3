"""What lies in a SQLite file, seen from outside the server."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# In a process of its own: two SQLite libraries in one would break each other's locks, and this looks at a live file.
LOOK = """
import json, sys
from pysqlite3 import dbapi2 as sqlite
database = sqlite.connect(sys.argv[1])
print(json.dumps({
    "check": [row[0] for row in database.execute("PRAGMA integrity_check")],
    "rows": [row[0] for row in database.execute("SELECT id FROM notes")],
    "unnumbered": [row[0] for row in database.execute("SELECT seq FROM mainstay_outbox WHERE position IS NULL")],
    "outbox": [row[0] for row in database.execute("SELECT key FROM mainstay_outbox WHERE channel = 'notes'")],
}))
"""


def look(database: Path, within: Sequence[str] = ()) -> dict[str, list[str]]:
    """What is in the file: the verdict on its soundness, the ids of rows and events, what the relay has left."""
    done = subprocess.run(
        [*within, sys.executable, "-c", LOOK, str(database)], capture_output=True, text=True, check=True
    )
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


def check_file(database: Path, created: set[str], within: Sequence[str] = ()) -> int:
    """The file is sound, holds each acknowledged row, and one event for each row. How many rows there are."""
    found = look(database, within)
    assert found["check"] == ["ok"]
    assert created <= set(found["rows"]), f"lost: {sorted(created - set(found['rows']))[:5]}"
    assert sorted(found["rows"]) == sorted(found["outbox"])
    return len(found["rows"])
