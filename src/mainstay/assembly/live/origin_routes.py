"""The /system/cors routes: whose pages may read answers."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Security
from pydantic import BaseModel, ConfigDict, Field

from mainstay.assembly.live.operators import CHANGE, SEE
from mainstay.assembly.live.origins import Origins
from mainstay.assembly.live.routes import CHANGING, SEEING, WHOLE, Changes, Sees, allow
from mainstay.assembly.openapi_document import refusals
from mainstay.base.errors import FieldError, Invalid, NotFound
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.identity import CurrentUser, current_user
from mainstay.tenancy import Tenancy, Tenant
from mainstay.web.cors import EXPOSED, HEADER_NAME, HEADERS, METHODS, ONE_ORIGIN, ORIGIN, CorsRule, Method
from mainstay.web.strict_routes import StrictRoute

MOST = 50
OneOrigin = Annotated[str, Field(pattern=ONE_ORIGIN, max_length=255, examples=["https://shop.example"])]
AnyOrigin = Annotated[str, Field(pattern=ORIGIN, max_length=255, examples=["https://shop.example"])]
HeaderName = Annotated[str, Field(pattern=HEADER_NAME)]
NamedHeader = Annotated[
    str, Field(pattern=HEADER_NAME.replace("*", ""))
]  # browsers take `*` for a name where cookies go
ClientName = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", examples=["shop"])]
TenantName = Annotated[str, Path(min_length=1, max_length=64, description="Its id or slug.", examples=["default"])]
AdminSees = Annotated[CurrentUser, Security(current_user, scopes=["admin:read"])]
AdminChanges = Annotated[CurrentUser, Security(current_user, scopes=["admin:write"])]
GONE: dict[int | str, dict[str, Any]] = refusals(400, 401, 403, 404, 503)


class TenantRule(BaseModel):
    """What pages of these origins may do. `*` among the headers allows whatever is asked for; seconds in `max_age`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    origins: Annotated[list[AnyOrigin], Field(min_length=1, max_length=MOST)]
    methods: Annotated[list[Method], Field(max_length=MOST)] = list(METHODS)
    headers: Annotated[list[HeaderName], Field(max_length=MOST)] = list(HEADERS)
    exposed: Annotated[list[HeaderName], Field(max_length=MOST)] = list(EXPOSED)
    max_age: Annotated[int, Field(ge=0, le=86_400), WHOLE] = 600


class ClientRule(TenantRule):
    """The same for the pages of one front end, which may be sent cookies."""

    origins: Annotated[list[OneOrigin], Field(min_length=1, max_length=MOST)]
    exposed: Annotated[list[NamedHeader], Field(max_length=MOST)] = list(EXPOSED)
    credentials: bool = False


class RuleAnswer(BaseModel):
    """A rule as it holds. `local`: pages that the server's own machine serves, on any port."""

    origins: list[str]
    methods: list[str]
    headers: list[str]
    exposed: list[str]
    credentials: bool
    max_age: int
    local: bool = False


class RulesAnswer(BaseModel):
    """The rules that hold for all tenants."""

    default: RuleAnswer | None
    clients: dict[str, RuleAnswer]


def origin_routes(origins: Origins, tenancy: Tenancy, *, relaxed: bool) -> APIRouter:
    """Clients' rules are the operator's; a tenant's are those of its own administrators too."""
    router = APIRouter(prefix="/system/cors", tags=["system"], route_class=StrictRoute)
    _add_clients(router, origins, relaxed)
    _add_tenants(router, origins, tenancy)
    return router


def _add_clients(router: APIRouter, origins: Origins, relaxed: bool) -> None:
    rules = origins.rules

    @router.get("", operation_id="system_cors_get", responses=SEEING)
    async def see(_: Sees) -> RulesAnswer:
        """The rules for all tenants: the default, and the clients'."""
        default = None if rules.default is None else _answer(rules.default)
        return RulesAnswer(default=default, clients={name: _answer(each) for name, each in rules.clients.items()})

    @router.put("/clients/{client}", operation_id="system_cors_client_put", responses=CHANGING)
    async def put(client: ClientName, body: ClientRule, user: Changes) -> RuleAnswer:
        """Say what the pages of one front end may do: on every process within a second."""
        plain = next((each for each in body.origins if each.startswith("http://")), None)
        if body.credentials and plain and not relaxed:
            message = f"{plain} travels in clear, so its pages get no credentials."
            raise Invalid(message, errors=[FieldError(("body", "origins"), "plain_origin", message)])
        return _answer(await origins.set_client(client, body.model_dump(), by=user.id))

    @router.delete("/clients/{client}", status_code=204, operation_id="system_cors_client_delete", responses=GONE)
    async def delete(client: ClientName, user: Changes) -> None:
        """Take a rule back; what the settings say of the client, if anything, holds again."""
        if client not in rules.clients:
            raise NotFound("There is no such client.")
        await origins.unset_client(client, by=user.id)

    allow(router, "/clients/{client}", "PUT", "DELETE")


def _add_tenants(router: APIRouter, origins: Origins, tenancy: Tenancy) -> None:
    rules = origins.rules

    async def theirs(named: str, user: CurrentUser, operators: tuple[str, ...]) -> Tenant:
        tenant = await tenancy.get(named)
        operates = user.tenant_id == DEFAULT_TENANT and user.scopes.issuperset(operators)
        if tenant is None or not (operates or tenant.id == user.tenant_id):
            raise NotFound("There is no such tenant.")
        return tenant

    @router.get("/tenants/{tenant}", operation_id="system_cors_tenant_get", responses=SEEING)
    async def see(tenant: TenantName, user: AdminSees) -> RuleAnswer:
        """What pages may do with answers for callers in this tenant, beside what holds for all."""
        rule = rules.tenants.get((await theirs(tenant, user, SEE)).id)
        if rule is None:
            raise NotFound("This tenant has no rule of its own.")
        return _answer(rule)

    @router.put("/tenants/{tenant}", operation_id="system_cors_tenant_put", responses=CHANGING)
    async def put(tenant: TenantName, body: TenantRule, user: AdminChanges) -> RuleAnswer:
        """Let pages of further origins read answers for callers in this tenant: on every process within a second."""
        found = await theirs(tenant, user, CHANGE)
        return _answer(await origins.set_tenant(found.id, body.model_dump(), by=user.id))

    @router.delete("/tenants/{tenant}", status_code=204, operation_id="system_cors_tenant_delete", responses=GONE)
    async def delete(tenant: TenantName, user: AdminChanges) -> None:
        """Take it back."""
        found = await theirs(tenant, user, CHANGE)
        if found.id not in rules.tenants:
            raise NotFound("This tenant has no rule of its own.")
        await origins.unset_tenant(found.id, by=user.id)

    allow(router, "/tenants/{tenant}", "GET", "PUT", "DELETE")


def _answer(rule: CorsRule) -> RuleAnswer:
    return RuleAnswer(
        origins=list(rule.origins),
        methods=list(rule.methods),
        headers=list(rule.headers),
        exposed=list(rule.exposed),
        credentials=rule.credentials,
        max_age=rule.max_age,
        local=rule.local,
    )
