"""The public keys."""

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Request, Response

from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals


def add_key_set(router: APIRouter, identity: Identity) -> None:
    # A copy may be kept for as long as a key is published before it signs, and not for hours after one was revoked.
    kept = min(300, identity.options.keys.publish_seconds)
    headers = {"Cache-Control": f"public, max-age={kept}"}

    @router.get(
        "/.well-known/jwks.json",
        tags=["auth"],
        responses={304: {"description": "The keys are those that the ETag stands for."}, **refusals(503)},
    )
    async def key_set(request: Request, response: Response) -> Any:
        """The public keys that verify this server's access tokens (RFC 7517)."""
        document: dict[str, list[dict[str, Any]]] = identity.key_set()
        tag = f'"{sha256(",".join(key["kid"] for key in document["keys"]).encode()).hexdigest()[:32]}"'
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={**headers, "ETag": tag})
        response.headers.update({**headers, "ETag": tag})
        return document
