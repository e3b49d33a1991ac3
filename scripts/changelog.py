"""Collect the fragments of changelog.d/ into CHANGELOG.md, and set the version.

    make release VERSION=0.2.0

A fragment is a file `changelog.d/<anything>.md` of lines `- Added: …`, `- Changed: …`, `- Fixed: …`, `- Removed: …` or
`- Security: …`; a line that goes on is indented by two spaces. Releasing empties the folder.
"""

import datetime
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("Added", "Changed", "Fixed", "Removed", "Security")
ENTRY = re.compile(rf"- ({'|'.join(KINDS)}): (\S.*)")


class Refused(Exception):
    """The release cannot be made; the message says what is so and what to do."""


def entries(text: str, name: str) -> list[tuple[str, str]]:
    """The (kind, words) of one fragment. Raises Refused at the first line that is neither entry nor continuation."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if entry := ENTRY.fullmatch(line):
            found.append((entry[1], entry[2]))
        elif line.startswith("  ") and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
        elif line.strip():
            raise Refused(
                f"{name}:{number}: {line!r} is no entry: begin with one of {', '.join(KINDS)}, as `- Added: …`."
            )
    return found


def section(version: str, day: datetime.date, found: Sequence[tuple[str, str]]) -> str:
    """One release, as it stands in CHANGELOG.md."""
    parts = [f"## {version} ({day.isoformat()})\n"]
    for kind in KINDS:
        if lines := [words for each, words in found if each == kind]:
            parts.append(f"### {kind}\n\n" + "".join(f"- {words}\n" for words in lines))
    return "\n".join(parts)


def release(root: Path, version: str, day: datetime.date) -> None:
    """Write the section, set the version in pyproject.toml, remove the fragments. One refused stops it all."""
    if not re.fullmatch(r"\d+\.\d+\.\d+([abrc]+\d+)?", version):
        raise Refused(f"{version!r} is no version: make release VERSION=1.2.3")
    fragments = sorted((root / "changelog.d").glob("*.md"))
    found = [entry for path in fragments for entry in entries(path.read_text(), path.name)]
    if not found:
        raise Refused("changelog.d/ holds no fragment: there is nothing to release.")
    changelog, project = root / "CHANGELOG.md", root / "pyproject.toml"
    head, mark, rest = changelog.read_text().partition("<!-- releases -->\n")
    if not mark:
        raise Refused("CHANGELOG.md has lost its line `<!-- releases -->`: put it back above the newest release.")
    changelog.write_text(f"{head}{mark}\n{section(version, day, found)}{rest}")
    project.write_text(re.sub(r'^version = ".*"$', f'version = "{version}"', project.read_text(), count=1, flags=re.M))
    for path in fragments:
        path.unlink()


def main(arguments: Sequence[str]) -> int:
    """Make the release that is named."""
    try:
        release(ROOT, arguments[0] if arguments else "", datetime.datetime.now(datetime.UTC).date())
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
