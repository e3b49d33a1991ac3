"""Everything under /auth, put together."""

from fastapi import APIRouter, Depends, Response

from mainstay.identity.identity import Identity
from mainstay.identity.routes.accounts import add_accounts
from mainstay.identity.routes.administration.entry import add_entry
from mainstay.identity.routes.administration.impersonation import add_impersonation
from mainstay.identity.routes.administration.machine_accounts import add_service_accounts
from mainstay.identity.routes.administration.policy import add_policy
from mainstay.identity.routes.administration.users import add_users
from mainstay.identity.routes.allowed import name_all_methods
from mainstay.identity.routes.api_keys import add_api_keys
from mainstay.identity.routes.federation import add_federation
from mainstay.identity.routes.grant_route import GrantRoute
from mainstay.identity.routes.key_set import add_key_set
from mainstay.identity.routes.me import add_avatars, add_me
from mainstay.identity.routes.password_grant import add_password_grant
from mainstay.identity.routes.scopes import add_scopes
from mainstay.identity.routes.second_factors.own_factors import add_factors
from mainstay.identity.routes.second_factors.second_step import add_second_step
from mainstay.identity.routes.sessions import add_sessions
from mainstay.identity.routes.sign_in_by_mail import add_sign_in_by_mail
from mainstay.web.strict_routes import StrictRoute


def auth_routes(identity: Identity, *, password_grant: bool = True, sign_up: bool = True) -> APIRouter:
    """Everything under /auth, and /.well-known/jwks.json.

    `password_grant` adds /auth/token, the form that the documentation's "Authorize" button posts.
    """
    router = APIRouter()
    never_stored = [Depends(_never_stored)]
    strict = APIRouter(prefix="/auth", tags=["auth"], route_class=StrictRoute, dependencies=never_stored)
    # What is asked for most stands first: routes are tried in turn.
    add_sessions(strict, identity)
    add_accounts(strict, identity, sign_up)
    if identity.options.accounts.by_mail:
        add_sign_in_by_mail(strict, identity)
    add_me(strict, identity)
    add_scopes(strict, identity)
    add_federation(strict, identity)
    add_factors(strict, identity)
    add_second_step(strict, identity)
    add_api_keys(strict, identity)
    add_service_accounts(strict, identity)
    add_users(strict, identity)
    add_entry(strict, identity)
    add_policy(strict, identity)
    add_impersonation(strict, identity)
    name_all_methods(strict)
    router.include_router(strict)
    if password_grant:
        grant = APIRouter(prefix="/auth", tags=["auth"], route_class=GrantRoute, dependencies=never_stored)
        add_password_grant(grant, identity)
        router.include_router(grant)
    pictures = APIRouter(prefix="/auth", tags=["auth"])
    add_avatars(pictures, identity)
    router.include_router(pictures)
    add_key_set(router, identity)
    return router


# Async although it waits for nothing: FastAPI would send it to a thread, which costs more than all the rest of it.
async def _never_stored(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
