"""What an application may set about its generated routes."""

from dataclasses import dataclass, field

from mainstay.web import BodyLimits


@dataclass(frozen=True, slots=True)
class RestOptions:
    """Where the routes live and how much one request may ask for."""

    prefix: str = "/api/v1"
    limits: BodyLimits = field(default_factory=BodyLimits)
    bulk: int = 1_000
    """Rows in one POST of a JSON array."""
    batch: int = 100
    """Operations in one POST to /batch."""
