"""Tell somebody what is held about them: one JSON document, or a zip with a file a section where it is large."""

import io
import zipfile
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Response

from mainstay.assembly.openapi_document import refusals
from mainstay.assembly.people.holder import Holder
from mainstay.base.actor import Actor
from mainstay.base.clock import Clock
from mainstay.base.context import current_caller
from mainstay.base.errors import Forbidden
from mainstay.base.proof import Proof
from mainstay.identity import CurrentUser, require_scopes
from mainstay.resources import Registry
from mainstay.storage.types import utc_text
from mainstay.telemetry.audit import Audit

LARGE = 1_048_576
# Names that come from tables are texts of a kind of their own.
PLAIN = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS


class ExportPerson:
    """Asks every room, in turn."""

    def __init__(self, holders: Sequence[Holder], audit: Audit, clock: Clock, registry: Registry) -> None:
        self._holders, self._audit, self._clock, self._registry = holders, audit, clock, registry

    async def export(self, user_id: UUID) -> dict[str, Any]:
        """Everything held about the person, by section; and a note of it in the audit.

        Raises StepUpRequired for a caller who has not proved what reading the rows that people own asks for.
        """
        caller = current_caller()
        if caller is not None and not caller.actor.console:
            self._require_proof(caller.actor)
        await self._audit.write_down(self._audit.now("user.exported", user_id=user_id))
        found: dict[str, Any] = {"user_id": str(user_id), "exported_at": utc_text(self._clock.now())}
        for holder in self._holders:
            found[holder.name] = await holder.export(user_id)
        return found

    def _require_proof(self, actor: Actor) -> None:
        wanted: Proof | None = None
        for entry in self._registry:
            proof = entry.access.proofs.get("read")
            if proof is not None and any(field.owner for field in entry.spec.fields.values()):
                wanted = proof & wanted
        if wanted is not None:
            wanted.require(actor, self._clock.now())

    async def pack(self, user_id: UUID) -> bytes:
        """The same as bytes: JSON, or above 1 MiB a zip."""
        return packed(await self.export(user_id))[1]


def packed(document: dict[str, Any]) -> tuple[str, bytes]:
    """The media type and the bytes: JSON, or above 1 MiB a zip with a file for each section."""
    whole = orjson.dumps(document, default=str, option=PLAIN)
    if len(whole) <= LARGE:
        return "application/json", whole
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, section in document.items():
            archive.writestr(f"{name}.json", orjson.dumps(section, default=str, option=PLAIN))
    return "application/zip", out.getvalue()


def export_routes(story: ExportPerson) -> APIRouter:
    """`GET /auth/me/export`, with `profile:read`; not for somebody who acts as another, nor for API keys
    and tokens that hold fewer scopes than their user."""
    router = APIRouter(prefix="/auth", tags=["auth"])
    content = {"application/json": {"schema": {"type": "object"}}, "application/zip": {"schema": {"type": "string"}}}

    @router.get(
        "/me/export",
        operation_id="export_me",
        response_class=Response,
        responses={200: {"description": "Everything", "content": content}, **refusals(400, 401, 403, 404, 503)},
    )
    async def export_me(user: Annotated[CurrentUser, Depends(require_scopes("profile:read"))]) -> Response:
        """Everything that is held about you: account, sessions, memberships, rows you own, entries of the audit."""
        caller = current_caller()
        if caller is not None and caller.actor.impersonator_id is not None:
            raise Forbidden("What is held about a person is told to nobody else.", code="impersonated")
        if caller is not None and caller.actor.narrowed:
            # It holds rows of every tenant and resource: far more than such a proof opens.
            raise Forbidden("This needs a session with all of your scopes.", code="narrowed")
        media_type, body = packed(await story.export(user.id))
        name = f"export-{user.id}.{'zip' if media_type.endswith('zip') else 'json'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(body, media_type=media_type, headers=headers)

    return router
