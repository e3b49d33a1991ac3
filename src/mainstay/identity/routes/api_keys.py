"""One's own API keys."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Security

from mainstay.base.errors import Forbidden, NotFound
from mainstay.identity.bodies import api_keys as bodies
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import maker, tenant_of

SEEING = refusals(400, 401, 403, 404, 422, 503)
MAKING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)

Sees = Annotated[CurrentUser, Security(current_user, scopes=["api_keys:read"])]


async def themselves(user: Annotated[CurrentUser, Security(current_user, scopes=["api_keys:write"])]) -> CurrentUser:
    """The caller, who is nobody else: a key outlives the session in which an administrator acts as somebody."""
    if user.impersonator_id is not None:
        raise Forbidden("You act as somebody else, and only they themselves may do this.", code="impersonating")
    return user


Makes = Annotated[CurrentUser, Depends(themselves)]


def add_api_keys(router: APIRouter, identity: Identity) -> None:
    keys = identity.api_keys

    @router.get("/keys", operation_id="auth_keys_list", responses=SEEING)
    async def list_keys(user: Sees) -> bodies.ApiKeysAnswer:
        """Your keys in this tenant, the newest first."""
        return bodies.ApiKeysAnswer(items=[bodies.key_answer(key) for key in await keys.list(user.id, tenant_of(user))])

    @router.post("/keys", operation_id="auth_keys_create", status_code=201, responses=MAKING)
    async def create(body: bodies.NewApiKey, user: Makes) -> bodies.NewApiKeyAnswer:
        """Make a key that speaks for you in this tenant. Its scopes are among yours; the answer shows it this once."""
        await _fresh(identity, user)
        return bodies.new_key_answer(await keys.create(maker(user), user.id, body.name, body.scopes, body.expires_at))

    @router.get("/keys/{key_id}", operation_id="auth_keys_get", responses=SEEING)
    async def get(key_id: UUID, user: Sees) -> bodies.ApiKeyAnswer:
        """One of your keys."""
        found = await keys.get(user.id, tenant_of(user), key_id)
        if found is None:
            raise NotFound("There is no such key.")
        return bodies.key_answer(found)

    @router.post("/keys/{key_id}/rotate", operation_id="auth_keys_rotate", responses=MAKING)
    async def rotate(key_id: UUID, body: bodies.Rotation, user: Makes) -> bodies.NewApiKeyAnswer:
        """Give the key a new secret; the old one is good for `overlap` seconds more, an hour unless you say."""
        await _fresh(identity, user)
        return bodies.new_key_answer(await keys.rotate(maker(user), user.id, key_id, body.overlap))

    @router.delete("/keys/{key_id}", operation_id="auth_keys_revoke", status_code=204, responses=SEEING)
    async def revoke(key_id: UUID, user: Makes) -> None:
        """Revoke a key: no process accepts it a second later."""
        await keys.revoke(user.id, tenant_of(user), key_id)


async def _fresh(identity: Identity, user: CurrentUser) -> None:
    # A key that may make keys is one that a program was given for it.
    if user.api_key_id is None:
        await identity.factors.require_fresh(user.id, user.session_id)
