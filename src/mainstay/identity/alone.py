"""The identity room without its neighbours: one place for everybody, letters in the log, no journal."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity.catalogue import USER
from mainstay.identity.events import Fact
from mainstay.identity.ports import Step

logger = logging.getLogger(__name__)


class Everybody:
    """Every user is a member of the default tenant with the role `user`, and nothing is stored about it."""

    async def home_of(self, user_id: UUID, named: str | None) -> UUID:
        return DEFAULT_TENANT

    async def roles_of(self, user_id: UUID, tenant_id: UUID) -> frozenset[str] | None:
        return frozenset({USER}) if tenant_id == DEFAULT_TENANT else None

    def welcome(self, user_id: UUID, roles: Sequence[str], tenant_id: UUID | None) -> Sequence[Step]:
        return ()


class NoLetters:
    """Nobody carries letters: the log says that one was wanted, and not what it says."""

    def letter(self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None) -> Sequence[Step]:
        logger.warning("A letter is not sent, since there is no mail room.", extra={"letter": kind})
        return ()


class NoJournal:
    """Nothing is noted."""

    def steps(self, fact: Fact) -> Sequence[Step]:
        return ()

    async def tell(self, fact: Fact) -> None:
        return None
