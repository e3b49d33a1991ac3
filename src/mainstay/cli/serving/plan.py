"""What is to be served, where, and how: words that the process above the workers and the workers share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The server's own folder for its workers' figures gives way to one that the operator named.
OWN_FOLDER = "metrics_folder"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says. Where it says nothing, the app's settings do."""

    target: str
    host: str | None = None
    port: int | None = None
    workers: int = 1
    settings: Mapping[str, Any] = field(default_factory=dict)


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
