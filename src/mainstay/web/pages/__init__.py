"""Pages that need nothing but our own host: the API's docs, self-contained HTML, and pages in an app's own colours.

from mainstay.web.pages import DocsPages

app.routes.extend(DocsPages(title="Shop", openapi_url="/openapi.json").routes())     # /docs and /redoc
"""

from mainstay.web.pages.docs import DocsPages
from mainstay.web.pages.html_page import HtmlPage
from mainstay.web.pages.themed import Theme, ThemedPages
from mainstay.web.pages.words import Wording

__all__ = ["DocsPages", "HtmlPage", "Theme", "ThemedPages", "Wording"]
