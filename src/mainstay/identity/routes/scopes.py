"""The catalogue of scopes, and those one holds."""

from collections.abc import Sequence

from fastapi import APIRouter

from mainstay.identity.bodies import scopes as bodies
from mainstay.identity.catalogue import Scope
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.caller import User


def add_scopes(router: APIRouter, identity: Identity) -> None:
    @router.get("/scopes", responses=refusals(400, 401, 403, 404, 503))
    async def scopes() -> bodies.ScopesAnswer:
        """Every scope there is."""
        return _catalogue(identity.catalogue.list())

    @router.get("/me/scopes", responses=refusals(400, 401, 403, 404, 503))
    async def my_scopes(user: User) -> bodies.ScopesAnswer:
        """The scopes this session holds."""
        return _catalogue(identity.catalogue.named(user.scopes))


def _catalogue(scopes: Sequence[Scope]) -> bodies.ScopesAnswer:
    return bodies.ScopesAnswer(
        items=[
            bodies.ScopeAnswer(
                name=scope.name,
                description=scope.description,
                category=scope.category,
                sensitivity=scope.sensitivity,
            )
            for scope in scopes
        ]
    )
