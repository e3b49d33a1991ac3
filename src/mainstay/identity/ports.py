"""What the identity room needs from others, in its own words."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import FromClause

from mainstay.identity.events import Fact as Fact
from mainstay.storage import Statement

Step = tuple[Statement, Mapping[str, Any]]


class Memberships(Protocol):
    """Which tenants a user belongs to, and as what."""

    async def home_of(self, user_id: UUID, named: str | None) -> UUID:
        """The tenant a new session is for: the one named (id or slug), else the user's first.

        Raises NotFound where the user is not a member, Forbidden where the tenant is suspended.
        """
        ...

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        """The roles held there; None for a user who is not a member, or a tenant that is suspended."""
        ...

    def welcome(self, user_id: UUID, roles: Sequence[str], tenant_id: UUID | None) -> Sequence[Step]:
        """The statements that make a new user a member of that tenant, or of the one where newcomers go.

        They are run in the transaction that creates the user.
        """
        ...

    def table(self) -> FromClause:
        """Who is a member where, to be joined with users: `tenant_id`, `user_id`, `roles` (JSON), `created_at`."""
        ...

    def hold(self, tenant_id: UUID) -> Sequence[Step]:
        """The statements that make whoever else changes this tenant's members wait until this transaction ends."""
        ...

    def set_roles_steps(self, user_id: UUID, tenant_id: UUID, roles: Sequence[str]) -> Sequence[Step]:
        """The statements that replace the roles of a member."""
        ...

    async def demands_second_factor(self, tenant_id: UUID) -> bool:
        """Whether this tenant's members need a second factor, whatever their roles. Raises NotFound."""
        ...

    def demand_second_factor(self, tenant_id: UUID, demanded: bool) -> Sequence[Step]:
        """The statement after which they do, or do not. It answers a row where that is new."""
        ...

    def leave(self, user_id: UUID, tenant_id: UUID | None = None) -> Sequence[Step]:
        """The statements that take a user out of a tenant, or out of all."""
        ...


class PlaceOf(Protocol):
    """Where an address is, in words for its user: "Oslo, Norway". None where that is not known. Quick: no I/O."""

    def __call__(self, address: str, /) -> str | None: ...


class Letters(Protocol):
    """Sends letters to users, after the transaction that wants them has committed."""

    def letter(
        self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None, person: UUID | None = None
    ) -> Sequence[Step]:
        """The statements that queue one letter; they are run in the flow's own transaction.

        `kind` names a template, `verify-email`; `values` is what it says: links, codes, names. They are kept until
        the letter is sent. `person` is the user it is written for, where the address is not theirs yet, or no more.
        """
        ...

    def belong(self, address: str, person: UUID) -> Sequence[Step]:
        """The statements after which what was written to this address is known as this user's, who gives it up."""
        ...


class Journal(Protocol):
    """Keeps what happened, for auditors."""

    def steps(self, fact: Fact) -> Sequence[Step]:
        """The statements that note this fact in the transaction it happened in."""
        ...

    async def tell(self, fact: Fact) -> None:
        """Note something that no transaction speaks of, such as a refused sign-in. Never raises."""
        ...


class FetchedAnswer(Protocol):
    """What another server answered."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        ...

    @property
    def body(self) -> bytes: ...

    def json(self) -> Any:
        """Raises a Rejected for a body that is no JSON."""
        ...


class Fetch(Protocol):
    """Asks other servers, such as issuers for their keys, without leading anybody into our own network."""

    async def __call__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        trusting: str | None = None,
    ) -> FetchedAnswer:
        """The answer, whatever its status.

        `trusting` is an address that an operator wrote: its origin, and nothing else, may be of a private network.
        Raises a Rejected for an address that may not be called, and one that does not answer usably or in time.
        """
        ...


class Erasure(Protocol):
    """Erases people: what every room holds about them."""

    async def erase(self, user_id: UUID) -> None:
        """Erase the user and what is theirs, for good. Called again for one who is gone already, it does nothing."""
        ...
