"""What a tenant asks of its members."""

from typing import Annotated

from fastapi import APIRouter, Security

from mainstay.base.errors import Conflict
from mainstay.identity.bodies.policy import Policy, PolicyAnswer
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import tenant_of
from mainstay.identity.routes.caller import OwnSession

Sees = Annotated[CurrentUser, Security(current_user, scopes=["admin:read"])]
Sets = Security(current_user, scopes=["admin:write"])


def add_policy(router: APIRouter, identity: Identity) -> None:
    factors = identity.factors

    @router.get("/policy", operation_id="auth_policy_get", responses=refusals(400, 401, 403, 404, 503))
    async def get(user: Sees) -> PolicyAnswer:
        """What this tenant asks of its members."""
        return PolicyAnswer(second_factor_required=await factors.demands(tenant_of(user)))

    @router.put(
        "/policy",
        operation_id="auth_policy_put",
        dependencies=[Sets],
        responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    )
    async def put(body: Policy, user: OwnSession) -> PolicyAnswer:
        """Say what it asks of them: in effect within a second, for sessions that are there already, too. You have to
        have proved lately that it is you, with a second factor where you demand one."""
        tenant = tenant_of(user)
        held = await factors.require_fresh(user.id, user.session_id, always=True)
        if body.second_factor_required and not held.any:
            raise Conflict(
                "Add a second factor to your own account first: else you would be shut out yourself.", code="no_factor"
            )
        await factors.demand(tenant, body.second_factor_required, by=user.id)
        return PolicyAnswer(second_factor_required=body.second_factor_required)
