"""The identity room without its neighbours: one place for everybody, letters in the log, no journal."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, literal, select

from mainstay.base.errors import ConfigurationError, Conflict
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.catalogue import USER
from mainstay.identity.events import Fact
from mainstay.identity.ports import FetchedAnswer, Step
from mainstay.identity.tables import users
from mainstay.storage.types import JsonText, UuidText

logger = logging.getLogger(__name__)
EVERYBODY = select(
    literal(DEFAULT_TENANT, UuidText()).label("tenant_id"),
    users.c.id.label("user_id"),
    literal([USER], JsonText()).label("roles"),
    users.c.created_at,
).subquery("everybody")


class Everybody:
    """Every user is a member of the default tenant with the role `user`, and nothing is stored about it."""

    async def home_of(self, user_id: UUID, named: str | None) -> UUID:
        return DEFAULT_TENANT

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        return frozenset({USER}) if tenant_id == DEFAULT_TENANT else None

    def welcome(self, user_id: UUID, roles: Sequence[str], tenant_id: UUID | None) -> Sequence[Step]:
        return ()

    def table(self) -> FromClause:
        return EVERYBODY

    def hold(self, tenant_id: UUID) -> Sequence[Step]:
        return ()

    def set_roles_steps(self, user_id: UUID, tenant_id: UUID, roles: Sequence[str]) -> Sequence[Step]:
        raise Conflict("Roles are not kept in this app.", code="no_memberships")

    async def demands_second_factor(self, tenant_id: UUID) -> bool:
        return False

    def demand_second_factor(self, tenant_id: UUID, demanded: bool) -> Sequence[Step]:
        raise Conflict("Tenants are not kept in this app.", code="no_memberships")

    def leave(self, user_id: UUID, tenant_id: UUID | None = None) -> Sequence[Step]:
        return ()


class NoLetters:
    """Nobody carries letters: the log says that one was wanted, and not what it says."""

    def letter(
        self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None, person: UUID | None = None
    ) -> Sequence[Step]:
        logger.warning("A letter is not sent, since there is no mail room.", extra={"letter": kind})
        return ()

    def belong(self, address: str, person: UUID) -> Sequence[Step]:
        return ()


class NoJournal:
    """Nothing is noted."""

    def steps(self, fact: Fact) -> Sequence[Step]:
        return ()

    async def tell(self, fact: Fact) -> None:
        return None


class NoFetch:
    """No other server is asked."""

    async def __call__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        trusting: str | None = None,
    ) -> FetchedAnswer:
        raise ConfigurationError(
            "The identity room has no way to ask other servers.", fix="Make it with Identity(..., fetch=fetcher.fetch)."
        )


def nowhere(address: str, /) -> str | None:
    """Nobody knows where addresses are."""
    return None
