"""Users, sessions and tokens: who is calling, and what they may do.

Alone, in a plain FastAPI app (`database` is an open `mainstay.storage.Database`, migrated with `SCHEMA`):

    identity = Identity(database, SystemScope("identity"), MasterKey(Secret(os.environ["SECRET"])))
    app.state.identity = identity
    app.include_router(auth_routes(identity))          # /auth/sign-up, /auth/sign-in, /auth/refresh …
    await identity.open()                              # in the app's lifespan; close() after

    @app.get("/report")
    async def report(user: Annotated[CurrentUser, Security(current_user, scopes=["profile:read"])]) -> str:
        return f"for {user.id}"
"""

from mainstay.identity.catalogue import Scope
from mainstay.identity.credentials import PasswordOptions
from mainstay.identity.dependencies import (
    CurrentUser,
    current_user,
    require_any_scope,
    require_roles,
    require_scopes,
)
from mainstay.identity.identity import Identity
from mainstay.identity.options import IdentityOptions
from mainstay.identity.routes.auth import auth_routes
from mainstay.identity.schema import SCHEMA
from mainstay.identity.tokens.remembered import Verified

__all__ = [
    "SCHEMA",
    "CurrentUser",
    "Identity",
    "IdentityOptions",
    "PasswordOptions",
    "Scope",
    "Verified",
    "auth_routes",
    "current_user",
    "require_any_scope",
    "require_roles",
    "require_scopes",
]
