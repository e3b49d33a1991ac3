"""What is to be served, where, and how: checked before the first worker starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mainstay.assembly import Loaded, load
from mainstay.cli.frame.act import opened
from mainstay.cli.serving.port import free_port

# The server's own folder for its workers' figures gives way to one that the operator named.
OWN_FOLDER = "metrics_folder"


@dataclass(frozen=True, slots=True)
class Plan:
    """Enough to load the same app with the same settings in another process."""

    target: str
    host: str
    port: int
    workers: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address to type into a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  compared, not bound
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A plan that can be carried out, and what the banner says about it."""

    plan: Plan
    title: str
    public_url: str
    pages: Mapping[str, str]
    resources: tuple[str, ...]
    database: str
    environment: str
    first_admin: str | None


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


def check(target: str, host: str | None, port: int | None, workers: int, settings: Mapping[str, Any]) -> Checked:
    """Load the app, try the port, bring the database up to date. Raises ConfigurationError before anything serves."""
    loaded = loaded_for(target, settings)
    app, known = loaded.app, loaded.app.settings
    where = host or known.host
    plan = Plan(target, where, free_port(where, known.port if port is None else port), workers, settings)
    address = known.public_url or plan.url
    first_admin = opened(app, lambda running: running.rooms.first_admin.link(address))
    shown = app.settings.wants_docs() and app.openapi_url
    pages = {
        "Home": "/" if app.index else None,
        "REST": "/api/v1",
        "Docs": app.docs_url if shown else None,
        "ReDoc": app.redoc_url if shown else None,
        "OpenAPI": app.openapi_url,
        "Sign in": "/auth/sign-in",
        "Health": "/health",
    }
    return Checked(
        plan,
        app.title,
        address.rstrip("/"),
        {name: path for name, path in pages.items() if path},
        tuple(app.rooms.registry.names),
        str(app.rooms.database.name),
        known.environment,
        first_admin,
    )
