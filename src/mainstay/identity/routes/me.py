"""Who one is: the app's own fields, preferences, a picture."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Path, Request, Response, Security

from mainstay.base.errors import BodyTooLarge, Forbidden, SignInRequired
from mainstay.identity.bodies import me as bodies
from mainstay.identity.bodies.profile import object_of
from mainstay.identity.dependencies import CurrentUser, current_user
from mainstay.identity.identity import Identity
from mainstay.identity.problems import refusals
from mainstay.identity.profiles.picture import LARGEST
from mainstay.identity.routes.caller import User

PICTURES = "/auth/avatars/"
# What of a user needs the scope profile:read.
ABOUT = ("email", "email_verified", "username", "display_name", "language", "created_at", "avatar", "profile")
SEEING = refusals(400, 401, 403, 404, 503)
CHANGING = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
# A picture is shown and nothing else, whatever a browser makes of its bytes.
SHOWN = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "public, max-age=31536000, immutable",
}


def themselves(scope: str) -> Callable[..., Awaitable[CurrentUser]]:
    """A dependency: the caller, holding this scope, and no administrator who acts as them."""

    async def alone(user: Annotated[CurrentUser, Security(current_user, scopes=[scope])]) -> CurrentUser:
        if user.impersonator_id is not None:
            raise Forbidden("You act as somebody else, and only they themselves may do this.", code="impersonating")
        return user

    return alone


Reads = Annotated[CurrentUser, Security(current_user, scopes=["profile:read"])]
Writes = Annotated[CurrentUser, Depends(themselves("profile:write"))]
Patch = Annotated[dict[str, Any], Body()]


def add_me(router: APIRouter, identity: Identity) -> None:
    profiles = identity.profiles

    @router.get("/me", operation_id="auth_me", responses=SEEING)
    async def me(user: User) -> bodies.MeAnswer:
        """Who you are, and what you may do here."""
        return await _me(identity, user)

    @router.get("/me/profile", operation_id="auth_me_profile", responses=SEEING)
    async def profile(user: Reads) -> dict[str, Any]:
        """What the app keeps of you."""
        return await profiles.get(user.id)

    @router.patch(
        "/me/profile",
        operation_id="auth_me_profile_change",
        responses=CHANGING,
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": object_of(profiles.own)}}}},
    )
    async def change_profile(patch: Patch, user: Writes) -> dict[str, Any]:
        """Change some of it. What only administrators set is refused."""
        return await profiles.change(user.id, patch)

    @router.get("/me/preferences", operation_id="auth_me_preferences", responses=SEEING)
    async def preferences(user: Reads) -> dict[str, Any]:
        """What you chose, and the defaults for the rest."""
        return await profiles.preferences(user.id)

    @router.patch("/me/preferences", operation_id="auth_me_preferences_change", responses=CHANGING)
    async def change_preferences(patch: Patch, user: Writes) -> dict[str, Any]:
        """Merge these into your preferences (RFC 7396): null goes back to the default."""
        return await profiles.change_preferences(user.id, patch)

    @router.put(
        "/me/avatar",
        operation_id="auth_me_avatar_put",
        responses=refusals(400, 401, 403, 404, 413, 415, 422, 503),
        openapi_extra={"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string"}}}}},
    )
    async def set_avatar(request: Request, user: Writes) -> bodies.AvatarAnswer:
        """Your picture: the bytes of a PNG, JPEG or WebP, at most 256 KiB and 2048 × 2048. Metadata is removed."""
        content = await _read(request)
        return bodies.AvatarAnswer(avatar=PICTURES + await profiles.set_avatar(user.id, content))

    @router.delete("/me/avatar", operation_id="auth_me_avatar_delete", status_code=204, responses=SEEING)
    async def remove_avatar(user: Writes) -> None:
        """Remove your picture."""
        await profiles.remove_avatar(user.id)


def add_avatars(router: APIRouter, identity: Identity) -> None:
    """Apart from the rest: browsers may keep pictures."""

    @router.get(
        "/avatars/{name}",
        operation_id="auth_avatar",
        response_class=Response,
        responses={**refusals(404, 422, 503), 200: {"content": {"image/*": {"schema": {"type": "string"}}}}},
    )
    async def picture(name: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{22}$")]) -> Response:
        """A user's picture, for whoever was told its name."""
        found = await identity.profiles.require_avatar(name)
        return Response(found.content, media_type=found.media_type, headers=SHOWN)


async def _me(identity: Identity, user: CurrentUser) -> bodies.MeAnswer:
    told = dict.fromkeys(ABOUT) | (await _about(identity, user) if "profile:read" in user.scopes else {})
    return bodies.MeAnswer(
        id=user.id,
        roles=sorted(user.roles),
        scopes=sorted(user.scopes),
        session_id=user.session_id,
        api_key_id=user.api_key_id,
        impersonator_id=user.impersonator_id,
        **told,
    )


async def _about(identity: Identity, user: CurrentUser) -> dict[str, Any]:
    known = await identity.get_user(user.id)
    if known is not None:
        picture = await identity.profiles.avatar_name(user.id)
        return {
            "email": known.email,
            "email_verified": known.email_verified,
            "username": known.username,
            "display_name": known.display_name,
            "language": known.language,
            "created_at": known.created_at,
            "profile": await identity.profiles.get(user.id),
            "avatar": None if picture is None else PICTURES + picture,
        }
    if user.api_key_id is None or user.tenant_id is None:
        raise SignInRequired
    account = await identity.api_keys.require_account(user.tenant_id, user.id)
    return {
        "email_verified": False,
        "display_name": account.name,
        "created_at": account.created_at,
        "profile": {},
    }


async def _read(request: Request) -> bytes:
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST:
            raise BodyTooLarge(f"A picture has at most {LARGEST} bytes.")
    return bytes(content)
