"""The service accounts of a tenant and their keys, for its administrators."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Security

from mainstay.identity.bodies import api_keys as bodies
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import administrator, maker, tenant_of

SEEING = refusals(400, 401, 403, 404, 422, 503)
MAKING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)

Sees = Annotated[CurrentUser, Security(current_user, scopes=["admin:read"])]
Administers = Annotated[CurrentUser, Security(current_user, scopes=["admin:write"])]


def add_service_accounts(router: APIRouter, identity: Identity) -> None:
    keys = identity.api_keys

    @router.get("/service-accounts", operation_id="auth_service_accounts_list", responses=SEEING)
    async def list_accounts(user: Sees) -> bodies.ServiceAccountsAnswer:
        """The programs of this tenant, by name."""
        found = await keys.list_accounts(tenant_of(user))
        return bodies.ServiceAccountsAnswer(items=[bodies.account_answer(each) for each in found])

    @router.post("/service-accounts", operation_id="auth_service_accounts_create", status_code=201, responses=MAKING)
    async def create(body: bodies.NewServiceAccount, user: Administers) -> bodies.ServiceAccountAnswer:
        """A program of this tenant, with roles that you could give anybody. It signs in nowhere: make it a key."""
        return bodies.account_answer(await keys.create_account(administrator(user), body.name, body.roles))

    @router.patch("/service-accounts/{account_id}", operation_id="auth_service_accounts_change", responses=MAKING)
    async def change(
        account_id: UUID, body: bodies.ServiceAccountChange, user: Administers
    ) -> bodies.ServiceAccountAnswer:
        """Shut it, and none of its keys opens anything a second later; or open it again."""
        return bodies.account_answer(await keys.set_account_active(administrator(user), account_id, body.active))

    @router.delete(
        "/service-accounts/{account_id}",
        operation_id="auth_service_accounts_remove",
        status_code=204,
        responses=SEEING,
    )
    async def remove(account_id: UUID, user: Administers) -> None:
        """Remove it; its keys are revoked."""
        await keys.remove_account(administrator(user), account_id)

    _add_keys(router, identity)


def _add_keys(router: APIRouter, identity: Identity) -> None:
    keys = identity.api_keys

    @router.get("/service-accounts/{account_id}/keys", operation_id="auth_service_keys_list", responses=SEEING)
    async def list_keys(account_id: UUID, user: Sees) -> bodies.ApiKeysAnswer:
        """Its keys, the newest first."""
        account = await keys.require_account(tenant_of(user), account_id)
        found = await keys.list(account.id, account.tenant_id)
        return bodies.ApiKeysAnswer(items=[bodies.key_answer(key) for key in found])

    @router.post(
        "/service-accounts/{account_id}/keys",
        operation_id="auth_service_keys_create",
        status_code=201,
        responses=MAKING,
    )
    async def create_key(account_id: UUID, body: bodies.NewApiKey, user: Administers) -> bodies.NewApiKeyAnswer:
        """Make a key that speaks for it. Its scopes are among yours, and hold as far as the account's roles go."""
        account = await keys.require_account(tenant_of(user), account_id)
        made = await keys.create(maker(user), account.id, body.name, body.scopes, body.expires_at)
        return bodies.new_key_answer(made)

    @router.post(
        "/service-accounts/{account_id}/keys/{key_id}/rotate",
        operation_id="auth_service_keys_rotate",
        responses=MAKING,
    )
    async def rotate(
        account_id: UUID, key_id: UUID, body: bodies.Rotation, user: Administers
    ) -> bodies.NewApiKeyAnswer:
        """Give the key a new secret; the old one is good for `overlap` seconds more."""
        account = await keys.require_account(tenant_of(user), account_id)
        return bodies.new_key_answer(await keys.rotate(maker(user), account.id, key_id, body.overlap))

    @router.delete(
        "/service-accounts/{account_id}/keys/{key_id}",
        operation_id="auth_service_keys_revoke",
        status_code=204,
        responses=SEEING,
    )
    async def revoke(account_id: UUID, key_id: UUID, user: Administers) -> None:
        """Revoke a key: no process accepts it a second later."""
        account = await keys.require_account(tenant_of(user), account_id)
        await keys.revoke(account.id, account.tenant_id, key_id)
