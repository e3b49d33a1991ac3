"""The catalogue of scopes, as its routes answer it."""

from pydantic import BaseModel

from mainstay.identity.catalogue import Sensitivity


class ScopeAnswer(BaseModel):
    """One entry of the scopes catalogue."""

    name: str
    description: str
    category: str
    sensitivity: Sensitivity


class ScopesAnswer(BaseModel):
    items: list[ScopeAnswer]
