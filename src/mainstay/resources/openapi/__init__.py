"""The generated routes as OpenAPI 3.1: what the schema allows is taken, and nothing else.

fragment = openapi_fragment(registry)      # paths, components and tags, to merge into an app's own document
"""

from mainstay.resources.openapi.document import openapi_fragment

__all__ = ["openapi_fragment"]
