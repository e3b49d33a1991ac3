"""Identity's pages meet the rest: the app's own look, and what all rooms hold about somebody."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from starlette.routing import BaseRoute

from mainstay.assembly.settings import Settings
from mainstay.assembly.stories.export_person import ExportPerson, packed
from mainstay.base.ports import Identify
from mainstay.identity import Identity
from mainstay.identity.pages import page_routes


def sign_in_pages(
    identity: Identity,
    identify: Callable[[], Identify],
    export_person: ExportPerson,
    settings: Settings,
    folder: Path,
    title: str,
) -> list[BaseRoute]:
    """The pages for signing in and one's account; none where the settings switch them off."""
    if not settings.pages.on:
        return []

    async def export(user_id: UUID) -> tuple[str, str, bytes]:
        media_type, content = packed(await export_person.export(user_id))
        return media_type, media_type.rpartition("/")[2], content

    options = settings.pages.options(
        title=title, folder=folder, sign_up=settings.sign_up, reload=settings.environment == "development"
    )
    return page_routes(identity, identify, options, export)
