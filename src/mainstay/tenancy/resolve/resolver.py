"""What a request brings that may name a tenant, and what it is to look there."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Hints:
    """What a request brings: the X-Tenant-ID header as sent, and the tenant its verified token was made for."""

    header: str | None = None
    token: UUID | None = None


class Resolver(Protocol):
    """One place to look."""

    @property
    def reads_header(self) -> bool:
        """Whether X-Tenant-ID is looked at."""
        ...

    def find(self, hints: Hints) -> str | None:
        """The id or slug that the request names here, or None. Whether the caller may go there is checked after."""
        ...
