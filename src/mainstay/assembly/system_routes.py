"""The routes an app has beside its own and the generated ones: index, docs, health, sign-in, first administrator."""

from fastapi import FastAPI
from starlette.routing import BaseRoute

from mainstay.assembly.discovery.client_routes import client_routes
from mainstay.assembly.discovery.javascript_client import javascript_client_routes
from mainstay.assembly.index import Index, IndexField, IndexResource, index_route
from mainstay.assembly.live.limit_routes import limit_routes
from mainstay.assembly.live.origin_routes import origin_routes
from mainstay.assembly.live.routes import maintenance_routes
from mainstay.assembly.live.tier_routes import tier_routes
from mainstay.assembly.openapi_document import document_routes, refusals
from mainstay.assembly.rooms import Rooms
from mainstay.assembly.stories.export_person import export_routes
from mainstay.assembly.stories.first_admin import first_admin_routes
from mainstay.assembly.wiring.identity_to_audit import readable_chain
from mainstay.assembly.wiring.identity_to_pages import sign_in_pages
from mainstay.assembly.wiring.telemetry_to_identity import telemetry_routes
from mainstay.assembly.wiring.telemetry_to_outbound import service_probes
from mainstay.identity import auth_routes
from mainstay.mail import mail_routes
from mainstay.telemetry.audit import audit_routes
from mainstay.web.pages import DocsPages


def system_routes(app: FastAPI, rooms: Rooms, *, index: bool = True) -> list[BaseRoute]:
    """All of them, in order. The app's own dependencies apply to `/auth`, as to any router, and not to the rest:
    a health check or a page of documentation has no caller to satisfy them."""
    settings = rooms.settings
    routes: list[BaseRoute] = []
    if app.openapi_url:
        routes += document_routes(app.openapi, app.openapi_url, app.root_path_in_servers)
        if settings.wants_docs():
            routes += DocsPages(
                title=app.title,
                openapi_url=app.openapi_url,
                docs_url=app.docs_url,
                redoc_url=app.redoc_url,
                oauth2_redirect_url=app.swagger_ui_oauth2_redirect_url,
                swagger_parameters=app.swagger_ui_parameters or {},
                init_oauth=app.swagger_ui_init_oauth,
            ).routes()
    routes += telemetry_routes(
        rooms.telemetry, lambda: rooms.probes(), lambda: service_probes(rooms.outbound), settings, app.version
    )
    routes += first_admin_routes(rooms.first_admin, app.title).routes
    routes += javascript_client_routes()
    routes += sign_in_pages(
        rooms.identity, lambda: rooms.identify, rooms.export_person, settings, rooms.folder, app.title
    )
    if index:
        routes.append(index_route(lambda: _index(app, rooms)))
    before = len(app.router.routes)
    docs = app.docs_url if settings.wants_docs() and app.openapi_url else None
    taken = {getattr(route, "path", None) for route in app.router.routes}
    # Routes are tried in turn: first what is asked for most.
    app.include_router(
        auth_routes(rooms.identity, password_grant=settings.wants_password_grant(), sign_up=settings.sign_up)
    )
    app.include_router(client_routes(rooms, app.title, app.version, docs, app.openapi_url, taken=taken))
    app.include_router(maintenance_routes(rooms.maintenance))
    app.include_router(limit_routes(rooms.live_limits))
    app.include_router(mail_routes(rooms.mail))
    app.include_router(tier_routes(rooms.tiers, rooms.live_limits, rooms.tenancy))
    app.include_router(export_routes(rooms.export_person))
    app.include_router(audit_routes(rooms.audit, readable_chain, refusals=refusals(400, 401, 403, 404, 422, 503)))
    app.include_router(origin_routes(rooms.origins, rooms.tenancy, relaxed=settings.relaxed))
    routes += app.router.routes[before:]
    del app.router.routes[before:]
    return routes


def _index(app: FastAPI, rooms: Rooms) -> Index:
    links = {"openapi": app.openapi_url, "health": "/health"}
    if rooms.settings.wants_docs() and app.openapi_url:
        links = {"docs": app.docs_url, "redoc": app.redoc_url, **links}
    resources = []
    for name in rooms.registry.names:
        spec = rooms.registry[name].spec
        fields = [
            IndexField(each.name, str(each.kind), each.required) for each in spec.fields.values() if each.readable
        ]
        fields += [
            IndexField(each.name, str(each.schema.get("type", "json")), False) for each in spec.computed.values()
        ]
        fields += [IndexField(count, "integer", False) for count in spec.counts]
        doc = (spec.model.__doc__ or "").strip().splitlines()
        description = doc[0] if doc else ""
        resources.append(IndexResource(name, f"{rooms.rest_options.prefix}/{name}", description, tuple(fields)))
    found = {name: url for name, url in links.items() if url}
    return Index(app.title, app.version, app.summary or app.description, resources, found, rooms.settings.sign_up)
