"""Mainstay comes into a FastAPI app that exists already, and leaves it what it has."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstay.assembly.application import Mainstay, refuse_debug
from mainstay.assembly.declarations import People
from mainstay.assembly.declared import declared_of
from mainstay.assembly.groups.browsers import HeaderSettings
from mainstay.assembly.refusals import handlers_beside
from mainstay.assembly.settings import Settings
from mainstay.base.clock import Clock
from mainstay.base.errors import ConfigurationError
from mainstay.limits import LimitsOptions
from mainstay.model.profile import UserProfile
from mainstay.resources import ResourcesOptions
from mainstay.web import BodyGuard, BodyLimits

_AS_THEY_ARE = HeaderSettings(frame_ancestors="*", referrer_policy="", permissions_policy="")
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


def install(
    app: FastAPI,
    *,
    resources: Sequence[type[Any]] = (),
    settings: Settings | None = None,
    options: ResourcesOptions | None = None,
    clock: Clock | None = None,
    index: bool = False,
    limits: LimitsOptions | None = None,
    user: type[UserProfile] | None = None,
) -> Mainstay:
    """Serve declared resources from `app`, beside all that it has; answers the same object, now a Mainstay app too.

    Before or after the app's own routes, middleware and handlers are added: they all hold for generated routes. The
    app's routes keep their error answers and body limits, and where both have a path theirs is taken. `index` adds
    the page at `/`. Raises ConfigurationError for an app that has Mainstay already, or has begun to answer.
    """
    if isinstance(app, Mainstay):
        raise ConfigurationError(
            f"{app.title!r} stands on Mainstay already.",
            fix="Install once, with all resources, or call app.expose(Model) for more.",
        )
    if not isinstance(app, FastAPI):
        raise ConfigurationError(
            f"{type(app).__name__} is not a FastAPI app, so nothing can be installed into it.",
            fix="Hand over the FastAPI object itself, not what is wrapped around it or makes it.",
        )
    if app.middleware_stack is not None:
        raise ConfigurationError(
            f"{app.title!r} has begun to answer requests.", fix="Install where the app is made, before it is served."
        )
    given = settings or Settings()
    refuse_debug(app.debug, given)
    for model in resources:
        declared_of(model)
    # The class changes and not the object: what others hold, a decorator or a server, is the same app afterwards.
    app.__class__ = _with_mainstay(type(app))
    installed = cast(Installed, app)
    installed._people = People(user)
    installed._begin(resources, given, options, clock, index, limits)
    return installed


class Installed(Mainstay):
    """A Mainstay app that was another FastAPI app before. Its stack is never stepped over."""

    def _begin(
        self,
        resources: Sequence[type[Any]],
        settings: Settings,
        options: ResourcesOptions | None,
        clock: Clock | None,
        index: bool,
        limits: LimitsOptions | None,
    ) -> None:
        self._fixed_body_limit = None
        if settings.cors.origins is None:
            # What is good for a new app in development may surprise one that has rules already.
            settings = settings.model_copy(update={"cors": settings.cors.model_copy(update={"origins": ()})})
        if "headers" not in settings.model_fields_set:
            # Whoever shows these pages in a frame today still does tomorrow.
            settings = settings.model_copy(update={"headers": _AS_THEY_ARE})
        self._hold(resources, settings, options, clock, None, None, index, limits)
        self._stand()
        self._errors()

    def _errors(self) -> None:
        known: Mapping[Any, Any] = handlers_beside(self.exception_handlers)
        self.exception_handlers.update(known)

    def may_step_over(self) -> bool:
        return False

    def _limited(self, routes: ASGIApp) -> ASGIApp:
        self._routes = routes
        self._limit_again()
        return self._guarded_where_ours

    def _limit_again(self) -> None:
        self._guarded = BodyGuard(self._routes, BodyLimits(size=self._body_limit()))

    def _whole(self, stack: ASGIApp) -> ASGIApp:
        return stack

    async def _guarded_where_ours(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Bodies of the app's own routes are its own affair, as they were.
        ours = scope["type"] == "http" and scope["method"] not in _WITHOUT_BODY and self.answers_for(scope)
        await (self._guarded if ours else self._routes)(scope, receive, send)


def _with_mainstay(kind: type[FastAPI]) -> type[FastAPI]:
    """This class of app, standing on Mainstay."""
    return type(kind.__name__, (Installed, kind), {"__doc__": kind.__doc__, "__module__": kind.__module__})
