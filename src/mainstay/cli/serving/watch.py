"""Which of a folder's files changed since they were last looked at."""

import os
from collections.abc import Iterator
from pathlib import Path

WATCHED = frozenset({".py", ".html", ".jinja", ".css", ".js"})
SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "venv", "data", "build", "dist"})
MOST_FILES = 20_000


class Watch:
    """Looks at modification times: no driver, no thread, and a few milliseconds for a project's folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = dict(self._look())

    def changed(self) -> list[Path]:
        """The files that changed, appeared or went since the last call."""
        now = dict(self._look())
        found = [path for path in now.keys() | self._seen.keys() if now.get(path) != self._seen.get(path)]
        self._seen = now
        return sorted(Path(path) for path in found)

    def _look(self) -> Iterator[tuple[str, int]]:
        folders, count = [str(self._folder)], 0
        while folders:
            try:
                entries = list(os.scandir(folders.pop()))
            except OSError:  # a folder that went away while we looked
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name not in SKIPPED:
                        folders.append(entry.path)
                elif os.path.splitext(entry.name)[1] in WATCHED or entry.name.startswith(".env"):
                    count += 1
                    if count > MOST_FILES:
                        return
                    try:
                        yield entry.path, entry.stat().st_mtime_ns
                    except OSError:
                        continue
