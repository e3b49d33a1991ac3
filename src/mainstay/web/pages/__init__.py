"""Pages that need nothing but our own host: the API's docs, and self-contained HTML.

from mainstay.web.pages import DocsPages

app.routes.extend(DocsPages(title="Shop", openapi_url="/openapi.json").routes())     # /docs and /redoc
"""

from mainstay.web.pages.docs import DocsPages
from mainstay.web.pages.html_page import HtmlPage

__all__ = ["DocsPages", "HtmlPage"]
