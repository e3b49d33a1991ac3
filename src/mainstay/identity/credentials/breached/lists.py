"""Lists of breached passwords, in files too large to be read: ours, and those of Have I Been Pwned."""

import hashlib
import mmap
from pathlib import Path
from typing import Protocol

from mainstay.base.errors import ConfigurationError

SHIPPED = Path(__file__).parent / "passwords.bin"
MAGIC = b"mainstay breached passwords, 1\n"
# Of a SHA-1, 40 bits: of a hundred thousand good passwords against a million entries, less than one is refused.
WIDTH = 5
HIBP_LINE = 40


class BreachedList(Protocol):
    """A set of passwords."""

    def __contains__(self, password: str) -> bool: ...

    def __len__(self) -> int: ...


class PackedList:
    """Our own format: a line that names it, then the first 5 bytes of each SHA-1, sorted."""

    def __init__(self, file: Path) -> None:
        self._bytes = _mapped(file)
        if (len(self._bytes) - len(MAGIC)) % WIDTH:
            raise ConfigurationError(
                f"{file.name} ends in the middle of an entry.", fix="Make it again: mainstay passwords pack"
            )

    def __len__(self) -> int:
        return (len(self._bytes) - len(MAGIC)) // WIDTH

    def __contains__(self, password: str) -> bool:
        wanted = _sha1(password)[:WIDTH]
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            start = len(MAGIC) + middle * WIDTH
            found = self._bytes[start : start + WIDTH]
            if found == wanted:
                return True
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return False


class HibpFile:
    """Have I Been Pwned's own file "ordered by hash": lines of 40 hexadecimal digits, a colon and a count."""

    def __init__(self, file: Path) -> None:
        self._bytes = _mapped(file)

    def __len__(self) -> int:
        """About so many: lines differ in length."""
        return len(self._bytes) // (HIBP_LINE + 4)

    def __contains__(self, password: str) -> bool:
        wanted = _sha1(password).hex().upper().encode()
        low, high = 0, len(self._bytes)
        while low < high:
            # The line that holds the middle byte: from after the newline before it.
            start = self._bytes.rfind(b"\n", low, (low + high) // 2) + 1 or low
            found = self._bytes[start : start + HIBP_LINE].upper()
            if found == wanted:
                return True
            end = self._bytes.find(b"\n", start, high)
            low, high = (high if end < 0 else end + 1, high) if found < wanted else (low, start)
        return False


def open_list(file: Path | None = None) -> BreachedList:
    """The list in the file, else the one that is shipped. Raises ConfigurationError for a file of another form."""
    if file is None:
        return PackedList(SHIPPED)
    try:
        with file.open("rb") as opened:
            head = opened.read(128)
    except OSError as error:
        raise ConfigurationError(
            f"The list of breached passwords cannot be read: {error.strerror}.",
            fix="MAINSTAY_PASSWORDS__BREACHED names a file that the server may read.",
        ) from None
    if head.startswith(MAGIC):
        return PackedList(file)
    if is_hibp_line(head.split(b"\n")[0]):
        return HibpFile(file)
    raise ConfigurationError(
        f"{file.name} is no list of breached passwords.",
        fix="Give the file of Have I Been Pwned that is ordered by hash, or make one: mainstay passwords pack.",
    )


def is_hibp_line(line: bytes) -> bool:
    """Whether it is `<SHA-1 in hex>` or `<SHA-1 in hex>:<count>`."""
    digest, _, count = line.strip().partition(b":")
    return len(digest) == HIBP_LINE and all(c in b"0123456789ABCDEFabcdef" for c in digest) and (count + b"0").isdigit()


def _mapped(file: Path) -> mmap.mmap:
    with file.open("rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)


def _sha1(password: str) -> bytes:
    # What the world's lists are kept under; nothing here is protected by it.
    return hashlib.sha1(password.encode("utf-8", "replace"), usedforsecurity=False).digest()
