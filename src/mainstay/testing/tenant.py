"""A backend seen from inside one tenant."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from mainstay.testing.person import Person


class People(Protocol):
    """Who gives people: the backend."""

    def as_user(self, name: str, roles: Sequence[str] = ("user",), *, tenant: str | None = None) -> Person: ...

    def nobody(self, tenant: str | None = None) -> Person: ...


class TenantBackend:
    """`backend.tenant("acme")`: the same users may be members here, with other roles."""

    def __init__(self, people: People, id: UUID, slug: str) -> None:
        self._people = people
        self.id = id
        self.slug = slug

    def as_user(self, name: str, roles: Sequence[str] = ("user",)) -> Person:
        """This user in this tenant, with exactly these roles; made when they are not there yet."""
        return self._people.as_user(name, roles, tenant=self.slug)

    @property
    def anonymous(self) -> Person:
        """Nobody in particular, naming this tenant where requests name one by header."""
        return self._people.nobody(self.slug)
