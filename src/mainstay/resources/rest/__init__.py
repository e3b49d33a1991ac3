"""Generated routes: every declared resource over HTTP, as one raw ASGI app.

    routes = RestRoutes(registry, records, identify)       # answers everything below /api/v1
    await routes(scope, receive, send)

A refusal is raised (`base.Rejected`): whoever is outside turns it into application/problem+json.
"""

from mainstay.resources.rest.lane import Lane
from mainstay.resources.rest.options import RestOptions
from mainstay.resources.rest.request import Reply
from mainstay.resources.rest.routes import RestRoutes

__all__ = ["Lane", "Reply", "RestOptions", "RestRoutes"]
