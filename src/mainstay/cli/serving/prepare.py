"""From what was asked to an app that can be served: loaded, its port tried, its banner's lines known."""

from collections.abc import Mapping
from typing import Any

from mainstay.assembly import Loaded, Mainstay, load
from mainstay.cli.frame.act import opened
from mainstay.cli.serving.plan import OWN_FOLDER, Asked, Checked, Plan
from mainstay.cli.serving.port import free_port


def loaded_for(target: str, settings: Mapping[str, Any]) -> Loaded:
    """The app, with these settings over those of the environment."""
    loaded = load(target)
    chosen = {
        name: value
        for name, value in settings.items()
        if name != OWN_FOLDER or loaded.app.settings.metrics_folder is None
    }
    if chosen:
        loaded.app.configure(loaded.app.settings.model_copy(update=chosen))
    return loaded


def planned(asked: Asked) -> tuple[Mainstay, Plan]:
    """The app, and where it will be served. Raises ConfigurationError for a port that cannot be had."""
    app = loaded_for(asked.target, asked.settings).app
    known = app.settings
    where = asked.host or known.host
    port = free_port(where, known.port if asked.port is None else asked.port)
    settings = dict(asked.settings)
    if (where, port) != (known.host, known.port):
        # For what names the app's address where there is no public one: links in letters.
        settings |= {"host": where, "port": port}
        app.configure(known.model_copy(update={"host": where, "port": port}))
    return app, Plan(asked.target, where, port, asked.workers, settings)


async def checked(app: Mainstay, plan: Plan) -> Checked:
    """What the banner says, once the app is open."""
    known = app.settings
    address = known.public_url or plan.url
    shown = known.wants_docs() and app.openapi_url
    pages = {
        "Home": "/" if app.index else None,
        "REST": "/api/v1",
        "Docs": app.docs_url if shown else None,
        "ReDoc": app.redoc_url if shown else None,
        "OpenAPI": app.openapi_url,
        "Sign in": f"{known.pages.path}/sign-in" if known.pages.on else None,
        "Health": "/health",
    }
    # Plain strings: whoever unpickles another kind imports what that is made of.
    return Checked(
        plan,
        str(app.title),
        str(address.rstrip("/")),
        {name: str(path) for name, path in pages.items() if path},
        tuple(map(str, app.rooms.registry.names)),
        str(app.rooms.database.name),
        str(known.environment),
        await app.rooms.first_admin.link(address),
    )


def check(asked: Asked) -> Checked:
    """Load the app, try the port, bring the database up to date. Raises ConfigurationError before anything serves."""
    app, plan = planned(asked)
    return opened(app, lambda running: checked(running, plan))
