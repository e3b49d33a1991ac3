"""The public keys."""

from typing import Any

from fastapi import APIRouter, Response

from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals


def add_key_set(router: APIRouter, identity: Identity) -> None:
    @router.get("/.well-known/jwks.json", tags=["auth"], responses=refusals(503))
    async def key_set(response: Response) -> dict[str, list[dict[str, Any]]]:
        """The public keys that verify this server's access tokens (RFC 7517)."""
        response.headers["Cache-Control"] = "public, max-age=300"
        return identity.key_set()
