"""Identity's pages meet the rest: the app's own look, and what all rooms hold about somebody."""

from uuid import UUID

from starlette.routing import BaseRoute

from mainstay.assembly.rooms import Rooms
from mainstay.assembly.stories.export_person import packed
from mainstay.identity.pages import page_routes


def sign_in_pages(rooms: Rooms, title: str) -> list[BaseRoute]:
    """The pages for signing in and one's account; none where the settings switch them off."""
    settings = rooms.settings
    if not settings.pages.on:
        return []

    async def export(user_id: UUID) -> tuple[str, str, bytes]:
        media_type, content = packed(await rooms.export_person.export(user_id))
        return media_type, media_type.rpartition("/")[2], content

    options = settings.pages.options(
        title=title, folder=rooms.folder, sign_up=settings.sign_up, reload=settings.environment == "development"
    )
    return page_routes(rooms.identity, lambda: rooms.identify, options, export)
