"""How users get in, and what opens their accounts: invitations, sessions and keys, for who administers them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Security

from mainstay.identity.bodies import api_keys as key_bodies
from mainstay.identity.bodies import sessions as bodies
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import administrator
from mainstay.identity.routes.sessions import session_answer

SEEING = refusals(400, 401, 403, 404, 422, 503)
ENDING = refusals(400, 401, 403, 404, 409, 422, 503)
INVITING = refusals(400, 401, 403, 404, 409, 422, 429, 503)

# Where somebody is signed in, and from which address, is more than a list of names tells.
Sees = Annotated[CurrentUser, Security(current_user, scopes=["admin:read"])]
Changes = Annotated[CurrentUser, Security(current_user, scopes=["user:write"])]


def add_entry(router: APIRouter, identity: Identity) -> None:
    users, keys = identity.administration, identity.api_keys

    @router.post("/users/{user_id}/invite", operation_id="auth_users_invite", status_code=204, responses=INVITING)
    async def invite(user_id: UUID, user: Changes, request: Request) -> None:
        """Send the invitation anew to somebody who has no password yet; the one before is good for nothing."""
        await users.invite(administrator(user), user_id, identity.address_of(request.scope))

    @router.get("/users/{user_id}/sessions", operation_id="auth_users_sessions", responses=SEEING)
    async def list_sessions(user_id: UUID, user: Sees) -> bodies.SessionsAnswer:
        """Where somebody is signed in to this tenant; for operators, to any."""
        found = await users.list_sessions(administrator(user), user_id)
        return bodies.SessionsAnswer(items=[session_answer(identity, each, user.session_id) for each in found])

    @router.delete("/users/{user_id}/sessions", operation_id="auth_users_sessions_end_all", responses=ENDING)
    async def end_all(user_id: UUID, user: Changes) -> bodies.EndedAnswer:
        """Sign somebody out everywhere, within a second. Keys stay: revoke those as well."""
        return bodies.EndedAnswer(count=await users.end_sessions(administrator(user), user_id))

    @router.delete(
        "/users/{user_id}/sessions/{session_id}",
        operation_id="auth_users_sessions_end",
        status_code=204,
        responses=ENDING,
    )
    async def end_one(user_id: UUID, session_id: UUID, user: Changes) -> None:
        """End one of somebody's sessions."""
        await users.end_session(administrator(user), user_id, session_id)

    @router.get("/users/{user_id}/keys", operation_id="auth_users_keys", responses=SEEING)
    async def list_keys(user_id: UUID, user: Sees) -> key_bodies.ApiKeysAnswer:
        """Somebody's API keys for this tenant, without their secrets; for operators, for any."""
        found = await keys.list_of(administrator(user), user_id)
        return key_bodies.ApiKeysAnswer(items=[key_bodies.key_answer(key) for key in found])

    @router.delete(
        "/users/{user_id}/keys/{key_id}", operation_id="auth_users_keys_revoke", status_code=204, responses=SEEING
    )
    async def revoke(user_id: UUID, key_id: UUID, user: Changes) -> None:
        """Revoke one of somebody's keys: no process accepts it a second later."""
        await keys.revoke_of(administrator(user), user_id, key_id)
