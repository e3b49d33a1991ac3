"""`/api/v1`: the resources there are for this caller; `/config`: the settings that concern a client app."""

from collections.abc import Container
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from mainstay.assembly.live.routes import allow
from mainstay.assembly.openapi_document import refusals
from mainstay.assembly.rooms import Rooms
from mainstay.assembly.settings import Environment
from mainstay.base.context import require_caller
from mainstay.web.strict_routes import StrictRoute


class ServedResource(BaseModel):
    """One resource, and where its rows are."""

    name: str
    url: str
    description: str


class ServedResources(BaseModel):
    """The resources of which this caller may read something, and where many changes are made at once."""

    resources: list[ServedResource]
    batch: str


class Bounds(BaseModel):
    """What one request may carry; more is refused."""

    body_bytes: int = Field(description="Bytes of a request's body.")
    rows: int = Field(description="Rows that are created by one request.")
    operations: int = Field(description="Operations in one batch.")


class ClientConfig(BaseModel):
    """The settings that a client app may know. The same for everybody; nothing secret is among them."""

    title: str
    version: str
    environment: Environment
    api: str = Field(description="Where the resources are.")
    sign_up: bool = Field(description="Whether visitors may create accounts.")
    tenant_from: Literal["default", "token", "header"] = Field(description="How a request names its tenant.")
    docs: str | None = Field(description="The documentation for people; null where there is none.")
    openapi: str | None = Field(description="The description of the API; null where there is none.")
    bounds: Bounds


def client_routes(
    rooms: Rooms, title: str, version: str, docs: str | None, openapi: str | None, *, taken: Container[str | None] = ()
) -> APIRouter:
    """Both routes, for everybody; without `/config` where that is one of the `taken` paths."""
    router = APIRouter(tags=["discovery"], route_class=StrictRoute)
    prefix, options, settings = rooms.rest_options.prefix, rooms.rest_options, rooms.settings

    @router.get(prefix, operation_id="resources", responses=refusals(400, 401, 503))
    async def resources(request: Request, response: Response) -> ServedResources:
        """The resources of which this caller may read something."""
        response.headers["Cache-Control"] = "no-store"
        root = _root(request)
        found = []
        for name in rooms.records.readable(require_caller().actor):
            doc = (rooms.registry[name].spec.model.__doc__ or "").strip()
            found.append(ServedResource(name=name, url=f"{root}{prefix}/{name}", description=doc.partition("\n")[0]))
        return ServedResources(resources=found, batch=f"{root}{prefix}/batch")

    allow(router, prefix, "GET")
    if "/config" in taken:
        return router

    @router.get("/config", operation_id="config", responses=refusals(400, 401, 503))
    async def config(request: Request) -> ClientConfig:
        """The settings that a client app may know."""
        root = _root(request)
        return ClientConfig(
            title=title,
            version=version,
            environment=settings.environment,
            api=root + prefix,
            sign_up=settings.sign_up,
            tenant_from=settings.tenant_from,
            docs=None if docs is None else root + docs,
            openapi=None if openapi is None else root + openapi,
            bounds=Bounds(body_bytes=options.limits.size, rows=options.bulk, operations=options.batch),
        )

    allow(router, "/config", "GET")
    return router


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", "")).rstrip("/")
