"""Write a list of breached passwords in the compact form."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mainstay.identity.credentials.breached.lists import HIBP_LINE, MAGIC, WIDTH, is_hibp_line


def pack(lines: Iterable[bytes], target: Path, at_least: int = 1) -> int:
    """Write the entries to the file; answers how many. Lines are passwords, or `<SHA-1>:<count>`, of which those
    seen fewer than `at_least` times are left out. 5 bytes of memory for each entry while it runs.
    """
    entries: set[bytes] = set()
    for line in lines:
        entry = line.rstrip(b"\r\n")
        if not entry:
            continue
        if is_hibp_line(entry):
            if int(entry[HIBP_LINE + 1 :] or at_least) >= at_least:
                entries.add(bytes.fromhex(entry[:HIBP_LINE].decode())[:WIDTH])
        else:
            entries.add(hashlib.sha1(entry, usedforsecurity=False).digest()[:WIDTH])
    written = target.with_name(target.name + ".new")
    with written.open("wb") as file:
        file.write(MAGIC)
        file.writelines(sorted(entries))
    written.replace(target)
    return len(entries)
