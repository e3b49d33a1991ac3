"""Users, for administrators: those of their tenant, or all for operators."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response, Security

from mainstay.base.errors import UnknownParameter
from mainstay.identity.administration.create_account import NewAccount
from mainstay.identity.administration.find_accounts import MOST, Wanted
from mainstay.identity.administration.standing import Administrator
from mainstay.identity.bodies import users as bodies
from mainstay.identity.bodies.profile import with_profile
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.routes.administration.administering import administrator
from mainstay.identity.routes.caller import User

SEEING = refusals(400, 401, 403, 404, 422, 503)
CHANGING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
TAKING = refusals(400, 401, 403, 404, 409, 422, 503)

Sees = Annotated[CurrentUser, Security(current_user, scopes=["user:read"])]
Changes = Annotated[CurrentUser, Security(current_user, scopes=["user:write"])]
Removes = Annotated[CurrentUser, Security(current_user, scopes=["user:delete"])]
Gives = Annotated[CurrentUser, Security(current_user, scopes=["admin:write"])]
Text = Annotated[str | None, Query(min_length=1, max_length=254, pattern=r"^[^\u0000]*$")]
RoleName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
# Apart from the parameters, as on the generated routes: only the server makes their values.
CURSORS = [
    {
        "name": "after",
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": "The accounts after this place: `next` of an answer.",
    }
]
NAMES = {"username", "display_name", "language"}
PARAMETERS = ("q", "email", "active", "role", "sort", "limit", "after")


def add_users(router: APIRouter, identity: Identity) -> None:
    users = identity.administration

    @router.get(
        "/users", operation_id="auth_users_list", responses=SEEING, openapi_extra={"x-mainstay-cursors": CURSORS}
    )
    async def list_users(
        request: Request,
        user: Sees,
        q: Text = None,
        email: Text = None,
        active: bool | None = None,
        role: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_-]{0,39}$")] = None,
        sort: Literal["created_at", "-created_at", "email", "-email"] = "-created_at",
        limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
        after: Annotated[str | None, Query(min_length=1, max_length=1000, include_in_schema=False)] = None,
    ) -> bodies.AccountsAnswer:
        """The members of this tenant; for operators, every account. `q` is looked for in addresses and names."""
        _refuse_unknown(request)
        page = await users.list(administrator(user), Wanted(q, email, active, role, sort, limit, after))
        return bodies.AccountsAnswer(items=[bodies.account_answer(each) for each in page], next=page.next)

    async def create(body: bodies.NewUser, user: Changes, response: Response) -> bodies.AccountAnswer:
        """Make an account, a member of this tenant."""
        wanted = NewAccount(
            body.email,
            body.roles,
            body.password,
            body.username,
            body.display_name,
            body.language,
            body.profile or {},
        )
        made = await users.create(administrator(user), wanted)
        response.headers["Location"] = f"/auth/users/{made.id}"
        return bodies.account_answer(made)

    create.__annotations__["body"] = with_profile(bodies.NewUser, identity.profiles.all, whole=True)
    router.post("/users", operation_id="auth_users_create", status_code=201, responses=CHANGING)(create)

    _add_one(router, identity)
    _add_shutting(router, identity)
    _add_roles(router, identity)


def _add_one(router: APIRouter, identity: Identity) -> None:
    users = identity.administration

    async def whole(by: Administrator, user_id: UUID) -> bodies.AccountWithProfile:
        found = await users.require(by, user_id)
        return bodies.whole_answer(found, await identity.profiles.get(user_id, everything=True))

    @router.get("/users/{user_id}", operation_id="auth_users_get", responses=SEEING)
    async def get(user_id: UUID, user: Sees) -> bodies.AccountWithProfile:
        """One user, with every field that the app keeps of them."""
        return await whole(administrator(user), user_id)

    async def change(user_id: UUID, body: bodies.UserChange, user: Changes) -> bodies.AccountWithProfile:
        """Change an account. One that belongs to other tenants too is changed by operators only."""
        by = administrator(user)
        if body.email is not None:
            await identity.factors.require_fresh(user.id, user.session_id)
        names = body.model_dump(include=body.model_fields_set & NAMES)
        if names or body.profile or body.email is not None:
            await users.change(by, user_id, names, body.profile or {}, body.email)
        if body.active is not None:
            await users.set_active(by, user_id, body.active)
        return await whole(by, user_id)

    change.__annotations__["body"] = with_profile(bodies.UserChange, identity.profiles.all)
    router.patch("/users/{user_id}", operation_id="auth_users_change", responses=CHANGING)(change)


def _add_shutting(router: APIRouter, identity: Identity) -> None:
    users = identity.administration

    @router.post("/users/{user_id}/activate", operation_id="auth_users_activate", responses=TAKING)
    async def activate(user_id: UUID, user: Changes) -> bodies.AccountAnswer:
        """Open an account that was shut."""
        by = administrator(user)
        await users.set_active(by, user_id, True)
        return bodies.account_answer(await users.require(by, user_id))

    @router.post("/users/{user_id}/deactivate", operation_id="auth_users_deactivate", responses=TAKING)
    async def deactivate(user_id: UUID, user: Changes) -> bodies.AccountAnswer:
        """Shut an account: its sessions end, and nothing of it is accepted a second later. Nobody shuts themselves."""
        by = administrator(user)
        await users.set_active(by, user_id, False)
        return bodies.account_answer(await users.require(by, user_id))


def _add_roles(router: APIRouter, identity: Identity) -> None:
    users = identity.administration

    @router.delete("/users/{user_id}", operation_id="auth_users_remove", status_code=204, responses=TAKING)
    async def remove(user_id: UUID, user: Removes) -> None:
        """Take somebody out of this tenant; their account stays theirs. For an operator: shut the account, and erase
        it when the grace is over."""
        by = administrator(user)
        await (users.delete(by, user_id) if by.operates else users.remove(by, user_id))

    @router.put("/users/{user_id}/roles", operation_id="auth_users_set_roles", responses=CHANGING)
    async def set_roles(user_id: UUID, body: bodies.Roles, user: Gives) -> bodies.RolesAnswer:
        """Replace the roles that a member holds here: in effect everywhere within a second."""
        return _roles(await users.set_roles(administrator(user), user_id, body.roles))

    @router.put("/users/{user_id}/roles/{role}", operation_id="auth_users_grant_role", responses=TAKING)
    async def grant(user_id: UUID, role: RoleName, user: Gives) -> bodies.RolesAnswer:
        """Give a member one role more."""
        return _roles(await users.grant(administrator(user), user_id, role))

    @router.delete("/users/{user_id}/roles/{role}", operation_id="auth_users_take_role", responses=TAKING)
    async def take(user_id: UUID, role: RoleName, user: Gives) -> bodies.RolesAnswer:
        """Take a role from a member. The tenant keeps at least one administrator."""
        return _roles(await users.take(administrator(user), user_id, role))

    @router.get("/roles", operation_id="auth_roles", responses=refusals(400, 401, 403, 404, 503))
    async def roles(_: User) -> bodies.RoleCatalogue:
        """Every role there is, and the scopes that it adds to those of every member."""
        return bodies.RoleCatalogue(
            items=[
                bodies.RoleAnswer(name=role.name, description=role.description, scopes=sorted(role.scopes))
                for role in identity.catalogue.role_list()
            ]
        )


def _roles(roles: frozenset[str]) -> bodies.RolesAnswer:
    return bodies.RolesAnswer(roles=sorted(roles))


def _refuse_unknown(request: Request) -> None:
    for name in request.query_params:
        if name not in PARAMETERS:
            raise UnknownParameter(f"There is no parameter {name[:40]!r}; there are {', '.join(PARAMETERS)}.")
