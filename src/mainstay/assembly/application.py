"""Mainstay: a FastAPI app whose declared resources are served beside its own routes."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exception_handlers import websocket_request_validation_exception_handler
from fastapi.middleware.cors import CORSMiddleware
from fastapi.routing import iter_route_contexts
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay.access import Access
from mainstay.assembly.declarations import Declaring, People
from mainstay.assembly.declared import Declared, declared_of
from mainstay.assembly.dispatch.caller_layer import CallerLayer
from mainstay.assembly.dispatch.direct import DirectRoutes
from mainstay.assembly.dispatch.generated import AfterDependencies, GeneratedRoutes
from mainstay.assembly.live.custom_headers import CustomHeaders, answer_headers
from mainstay.assembly.openapi_document import merge
from mainstay.assembly.own_routes import check_own_routes
from mainstay.assembly.refusals import UNEXPECTED, default_handlers
from mainstay.assembly.rooms import Rooms
from mainstay.assembly.settings import Settings
from mainstay.assembly.system_routes import system_routes
from mainstay.base.clock import Clock, SystemClock
from mainstay.base.context import require_caller
from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import Observer
from mainstay.cache import Cache, Caching
from mainstay.limits import LimitsOptions
from mainstay.mail import Mail
from mainstay.model.profile import UserProfile
from mainstay.outbound import Calling
from mainstay.resources import Collection, ResourcesOptions
from mainstay.storage import AsyncTenantSession, TenantSession
from mainstay.web import BodyGuard, BodyLimits, Spine
from mainstay.web.cors import Cors

PREFIX = "/api/v1"


class Mainstay(Declaring, FastAPI):
    """A FastAPI app that serves declared resources; every FastAPI argument, method and decorator works as ever.

    `resources` are classes; `settings` default to what the environment says. Nothing is opened before the app starts:
    the lifespan migrates, opens and closes what the app stands on, around the user's own lifespan. Raises
    ConfigurationError for settings and declarations that cannot work.
    """

    def __init__(
        self,
        *,
        resources: Sequence[type[Any]] = (),
        settings: Settings | None = None,
        options: ResourcesOptions | None = None,
        title: str = "Mainstay",
        clock: Clock | None = None,
        logo: Mapping[str, str] | None = None,
        openapi_extensions: Mapping[str, Any] | None = None,
        index: bool = True,
        limits: LimitsOptions | None = None,
        user: type[UserProfile] | None = None,
        exception_handlers: Mapping[Any, Any] | None = None,
        **fastapi: Any,
    ) -> None:
        given = settings or Settings()
        self._people = People(user)
        debug = refuse_debug(fastapi.pop("debug", given.debug), given)
        self._fixed_body_limit: int | None = fastapi.pop("max_body_size", None)
        self._hold(resources, given, options, clock, logo, openapi_extensions, index, limits)
        handlers = default_handlers() | dict(exception_handlers or {})
        super().__init__(
            title=title,
            exception_handlers=handlers,
            debug=debug,
            **fastapi,
        )
        self._stand()

    def _hold(
        self,
        resources: Sequence[type[Any]],
        settings: Settings,
        options: ResourcesOptions | None,
        clock: Clock | None,
        logo: Mapping[str, str] | None,
        openapi_extensions: Mapping[str, Any] | None,
        index: bool,
        limits: LimitsOptions | None,
    ) -> None:
        """What the app is told, and what it makes of it later."""
        self._declared: list[Declared] = [declared_of(model) for model in resources]
        self._rooms: Rooms | None = None
        self._system: list[BaseRoute] = []
        self._generated: GeneratedRoutes | None = None
        self._options, self._limits = options or ResourcesOptions(), limits
        self._clock = clock or SystemClock()
        self._logo, self._extensions = logo, dict(openapi_extensions or {})
        self._users_openapi: Callable[[], dict[str, Any]] | None = None
        self.index = index
        self.settings = settings
        self.folder: Path | None = None
        self._entry: ASGIApp = self._unready
        self.cached = Caching(lambda: self.rooms.cache)
        self.outbound = Calling(lambda: self.rooms.outbound)

    def _stand(self) -> None:
        """Put our lifespan around the user's, and our innermost layer in front of the router."""
        user_lifespan = self.router.lifespan_context
        self.router.lifespan_context = lambda app: self._lifespan(user_lifespan(app))
        self.router.middleware_stack = CallerLayer(
            self._limited(self.router.middleware_stack),
            self._generated_routes,
            lambda: self.rooms.identify,
            lambda: self.rooms.gate,
        )

    def _limited(self, routes: ASGIApp) -> ASGIApp:
        # FastAPI would put its limit around the user's middleware, and a refusal past it: without CORS headers, say.
        self._own_limit = RequestBodyLimitMiddleware(routes, self._body_limit())
        return self._own_limit

    # Declaring

    def expose(self, model: type[Any], *, access: Access | None = None, **options: Any) -> None:
        """Serve a model that already exists: any SQLAlchemy mapped class, with its own keys and columns.

        `options` become the class's `__api__`. Raises ConfigurationError once the app has started.
        """
        self._declare(declared_of(model, access=access, options=options))

    def configure(
        self, settings: Settings | None = None, *, clock: Clock | None = None, folder: Path | None = None
    ) -> None:
        """Use other settings, another clock or another folder from the next start on; None keeps what is.

        The folder holds the app's `migrations/` and, in development, its `.mainstay/secret`; the current one unless
        told. Raises ConfigurationError while the app runs.
        """
        self._refuse_while_running("its settings cannot change")
        self.settings = settings or self.settings
        self._clock = clock or self._clock
        self.folder = folder or self.folder
        self._limit_again()
        self._forget()

    # What others reach

    @property
    def rooms(self) -> Rooms:
        """The rooms this app stands on, made from settings and declarations when first asked for, and not yet open."""
        if self._rooms is None:
            self._rooms = Rooms(
                self.settings,
                self._declared,
                self._options,
                self._clock,
                prefix=PREFIX,
                folder=self.folder or Path.cwd(),
                limits=self._limits,
                title=self.title,
                people=self._people,
            )
        return self._rooms

    @property
    def cache(self) -> Cache:
        """Values that are remembered, apart by tenant and caller; `@app.cached(ttl=...)` does it for a function."""
        return self.rooms.cache

    @property
    def mail(self) -> Mail:
        """Letters from the app's own templates: `await app.mail.send("welcome", "ada@example.com", {...})`."""
        return self.rooms.mail

    def records(self, model: type[Any]) -> Collection:
        """The way in for the app's own code: same policy, events and tenant as REST, as the current caller."""
        return self.rooms.records_of(model)

    def session(self) -> AsyncTenantSession:
        """An ORM session of the current caller's tenant, to be used with `async with`. Policy is not applied to it."""
        return self.rooms.database.session(require_caller().require_scope())

    def sync_session(self) -> TenantSession:
        """The same for `def` code, to be used with `with`; never on the event loop."""
        return self.rooms.database.sync_session(require_caller().require_scope())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open everything, without serving: for commands, jobs and tests. The same as the lifespan does, but for what
        one server has to itself: the port for figures, the form of log lines."""
        rooms = self.rooms
        rooms.serving = False
        try:
            async with self.router.lifespan_context(self):
                yield
        finally:
            rooms.serving = True

    # FastAPI's own hooks

    def setup(self) -> None:
        """FastAPI's routes for the docs; ours are laid when the app is complete, after the user's own."""

    def build_middleware_stack(self) -> ASGIApp:
        self._settle()
        handlers = self.exception_handlers
        if 500 in handlers:
            # Starlette keeps the last of `500` and `Exception`; ours must not outlive the user's.
            handlers.pop(Exception, None) if handlers.get(Exception) in UNEXPECTED else None
        return super().build_middleware_stack()

    def openapi(self) -> dict[str, Any]:
        """FastAPI's document of the app's own routes, merged with the generated ones."""
        self._settle()
        version = self.router._get_routes_version()
        if self.openapi_schema is None or self._openapi_routes_version != version:
            self.openapi_schema = None
            document = merge(self._own_document(), self.rooms.openapi_fragment(), self.rooms.security_schemes())
            document["info"].update({"x-logo": dict(self._logo)} if self._logo else {})
            document.update(self._extensions)
            self.openapi_schema, self._openapi_routes_version = document, version
        return self.openapi_schema

    def _own_document(self) -> dict[str, Any]:
        # A function of the user's may call the method that it replaced: that is the one above.
        users, self._users_openapi = self._users_openapi, None
        try:
            return super().openapi() if users is None else users()
        finally:
            self._users_openapi = users

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.middleware_stack is None:
            # Also where an instrumentation has put its own build_middleware_stack in the place of ours.
            self._settle()
            self.middleware_stack = self.build_middleware_stack()
            self._entry = self._complete()
        await self._entry(scope, receive, send)

    # Inside

    def _declare(self, declared: Declared) -> None:
        self._refuse_while_running(f"{declared.model.__name__} cannot be added")
        self._declared.append(declared)
        self._forget()

    def _body_limit(self) -> int:
        return self._fixed_body_limit or self.settings.body_limit

    def _limit_again(self) -> None:
        self._own_limit.max_body_size = self._body_limit()

    def _refuse_while_running(self, what: str) -> None:
        if self._rooms is not None and self._rooms.is_open:
            raise ConfigurationError(f"The app is running, so {what}.", fix="Do it before the app starts.")

    def _forget(self) -> None:
        self._rooms, self._generated, self.middleware_stack, self.openapi_schema = None, None, None, None
        ours = {id(route) for route in self._system}
        self.router.routes[:] = [route for route in self.router.routes if id(route) not in ours]
        self._system = []
        self._entry = self._unready

    def _generated_routes(self) -> GeneratedRoutes:
        if self._generated is None:
            app: ASGIApp = self.rooms.rest
            if self.router.dependencies:
                app = AfterDependencies(app, self.router.dependencies, self)
            self._generated = GeneratedRoutes(app, PREFIX)
        return self._generated

    def _settle(self) -> None:
        """Lay our routes around the user's: generated ones first, the rest where the user's leave room."""
        # FastAPI's documented way to write a document of one's own: a function in the place of the method.
        self._users_openapi = self.__dict__.pop("openapi", self._users_openapi)
        generated = self._generated_routes()
        if not self._system:
            self._system = system_routes(self, self.rooms, index=self.index)
        ours = {id(route) for route in (*self._system, generated)}
        users = [
            route for route in self.router.routes if id(route) not in ours and not isinstance(route, GeneratedRoutes)
        ]
        generated.yielding = tuple(route for route in users if _reaches_into(route, PREFIX))
        catch_all = next((place for place, route in enumerate(users) if _catches_all(route)), len(users))
        system = self._system
        if self._has_front_page(users[catch_all:]):
            system = [route for route in system if getattr(route, "path", None) != "/"]
        laid = [generated, *users[:catch_all], *system, *users[catch_all:]]
        if [id(route) for route in laid] != [id(route) for route in self.router.routes]:
            self.router.routes[:] = laid
            self.router._mark_routes_changed()

    def _has_front_page(self, catch_alls: Sequence[BaseRoute]) -> bool:
        front_ends = getattr(self.router, "_frontend_routes", None)
        routes = [*catch_alls, *([front_ends] if front_ends is not None else [])]
        asked: Scope = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
        return any(route.matches(dict(asked))[0] is Match.FULL for route in routes)

    def _complete(self) -> ASGIApp:
        whole = self._whole(super().__call__)
        generated = self._generated_routes()
        log = self.rooms.access_log
        if self.settings.trace_ratio is not None:
            # FastAPI's own OpenTelemetry would tell of every request a second time.
            self._telemetry.update({"tracing": False, "metrics": False, "logs": False})
        cors = self.rooms.origins.rules
        app = whole if self._has_own_cors() else Cors(whole, cors)
        direct = None
        if self.may_step_over():
            direct = DirectRoutes(generated, self.rooms.rest, self.rooms.lanes(), self, cors)
        return Spine(app, log, self._observers(), direct, self.rooms.edge, self.settings.requests_under_way)

    def _has_own_cors(self) -> bool:
        """Whether the user's middleware says which pages may call. Raises ConfigurationError where settings do too."""
        if not any(
            isinstance(each.cls, type) and issubclass(each.cls, CORSMiddleware) for each in self.user_middleware
        ):
            return False
        if self.settings.cors.chosen:
            raise ConfigurationError(
                "Both CORSMiddleware and MAINSTAY_CORS say which pages may call, and browsers refuse two answers.",
                fix="Remove one of them.",
            )
        return True

    def _observers(self) -> tuple[Observer, ...]:
        headers = answer_headers(self.settings.answer_headers)
        return (*self.rooms.observers, CustomHeaders(headers)) if headers else self.rooms.observers

    def _whole(self, stack: ASGIApp) -> ASGIApp:
        return BodyGuard(stack, BodyLimits(size=self._body_limit()))

    def answers_for(self, scope: Scope) -> bool:
        """Whether the router would give this request to a route of Mainstay's, generated or not."""
        ours = {id(route) for route in (*self._system, self._generated)}
        partly: bool | None = None
        for route in self.router.routes:
            match = route.matches(scope)[0]
            if match is Match.FULL:
                return id(route) in ours
            if match is Match.PARTIAL and partly is None:
                partly = id(route) in ours
        return bool(partly)

    def may_step_over(self) -> bool:
        """Whether nothing of the user's stands between the server and the generated routes."""
        built_by_us = type(self).build_middleware_stack is Mainstay.build_middleware_stack
        if not built_by_us or "build_middleware_stack" in self.__dict__:
            return False
        ours = {*default_handlers().values(), websocket_request_validation_exception_handler}
        theirs = [each for each in self.exception_handlers.values() if each not in ours]
        return not (
            self.user_middleware or self.router.dependencies or theirs or self.debug or self._native_telemetry.enabled()
        )

    @asynccontextmanager
    async def _lifespan(self, users: AbstractAsyncContextManager[Any]) -> AsyncIterator[Any]:
        self._settle()
        self._has_own_cors()
        self.outbound.declare()
        rooms = self.rooms
        check_own_routes(self.routes, rooms.identity.catalogue, counted=rooms.counts)
        await rooms.open()
        self.state.identity, self.state.cache, self.state.limits = rooms.identity, rooms.cache, rooms.limiter
        try:
            async with users as state:
                yield state
        finally:
            await rooms.close()

    async def _unready(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the app was called before it was complete")


def refuse_debug(debug: bool, settings: Settings) -> bool:
    """The switch as given. Raises ConfigurationError for one that is on where strangers call."""
    if debug and not settings.relaxed:
        raise ConfigurationError(
            f"The app is in debug mode in {settings.environment}, where tracebacks would reach callers.",
            fix="Remove debug=True, or set MAINSTAY_ENVIRONMENT=development.",
        )
    return debug


def _reaches_into(route: BaseRoute, prefix: str) -> bool:
    if isinstance(route, Mount):
        return bool(route.path) and (route.path + "/").startswith(prefix + "/")
    return any((context.path_format or "").startswith(prefix + "/") for context in iter_route_contexts([route]))


def _catches_all(route: BaseRoute) -> bool:
    if isinstance(route, Mount):
        return route.path == ""
    return any((context.path_format or "").startswith("/{") for context in iter_route_contexts([route]))
