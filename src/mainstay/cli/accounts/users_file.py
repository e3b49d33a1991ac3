"""Users in a file: CSV with a line of names, or JSON, one object a line."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mainstay.cli.frame.ending import Refused


def read_users(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Every user with the number of the line. Raises Refused for a file that is neither."""
    if not file.is_file():
        raise Refused(f"there is no file {file}.")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        if file.suffix.lower() == ".csv":
            rows = csv.DictReader(opened, strict=True)
            for row in rows:
                if None in row:
                    raise Refused(f"line {rows.line_num} of {file.name} has more cells than there are columns.")
                yield rows.line_num, {name: cell for name, cell in row.items() if cell}
            return
        for number, line in enumerate(opened, start=1):
            if not line.strip():
                continue
            try:
                found = json.loads(line)
            except ValueError:
                found = None
            if not isinstance(found, dict):
                raise Refused(
                    f"line {number} of {file.name} is no JSON object.", fix="Write users.csv, or one object a line."
                )
            yield number, found
