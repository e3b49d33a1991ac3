"""Pages for signing in, signing up and one's account: plain forms over the same flows as the JSON routes.

In an app, `identity` an Identity and `identify` a base.ports.Identify:

    app.routes.extend(page_routes(identity, lambda: identify, PageOptions()))      # /account/sign-in and the rest
"""

from mainstay.identity.pages.options import PageOptions
from mainstay.identity.pages.routes import page_routes

__all__ = ["PageOptions", "page_routes"]
