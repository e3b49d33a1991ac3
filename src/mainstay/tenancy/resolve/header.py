"""The X-Tenant-ID header."""

from dataclasses import dataclass

from mainstay.tenancy.resolve.resolver import Hints


@dataclass(frozen=True, slots=True)
class Header:
    """The tenant is named, by id or slug, in X-Tenant-ID."""

    reads_header: bool = True

    def find(self, hints: Hints) -> str | None:
        return hints.header
