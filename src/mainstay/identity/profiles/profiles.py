"""What users are to the app, for callers."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from mainstay.identity.profiles import avatar, change_profile
from mainstay.identity.profiles.current_account import CurrentAccount, find_account
from mainstay.identity.profiles.picture import Picture, read_picture
from mainstay.identity.profiles.preferences import Preferences
from mainstay.identity.room import Room
from mainstay.model.spec import FieldSpec


class Profiles:
    """`identity.profiles`: the app's own columns, preferences and pictures."""

    def __init__(self, room: Room) -> None:
        self._room = room
        model = room.fields.model
        self._preferences = Preferences(None if model is None else model.__preferences__)

    @property
    def asked(self) -> Mapping[str, FieldSpec]:
        """The app's fields that newcomers are asked for."""
        return self._room.fields.at_sign_up

    @property
    def own(self) -> Mapping[str, FieldSpec]:
        """The app's fields that users write themselves."""
        return self._room.fields.own

    @property
    def all(self) -> Mapping[str, FieldSpec]:
        """The app's fields, also those that only administrators write."""
        return self._room.fields.all

    async def about(self, user: UUID) -> dict[str, Any]:
        """What the user sees of it, and what is declared as personal: for who asks what is held about them."""
        return await self._room.fields.about(self._room.control, user)

    async def get(self, user: UUID, *, everything: bool = False) -> dict[str, Any]:
        """The app's own fields, JSON-ready: those that the user sees, or all."""
        return await self._room.fields.get(self._room.control, user, everything=everything)

    async def account(self, user: UUID) -> CurrentAccount | None:
        """Who the user is, with the app's own fields that they see; None for a service account."""
        return await find_account(self._room, user)

    async def change(self, user: UUID, data: Mapping[str, Any]) -> dict[str, Any]:
        """Change some of those that users write; answers all they see. Raises Invalid, Conflict or NotFound."""
        await change_profile.change_profile(self._room, user, data)
        return await self.get(user)

    def preference_schema(self) -> Mapping[str, Any]:
        """The JSON Schema of what users may prefer; empty where the app declared nothing."""
        return self._preferences.schema()

    async def preferences(self, user: UUID) -> dict[str, Any]:
        return await self._preferences.get(self._room, user)

    async def change_preferences(self, user: UUID, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the patch into them (RFC 7396). Raises Invalid."""
        return await self._preferences.change(self._room, user, patch)

    async def set_avatar(self, user: UUID, content: bytes) -> str:
        """Keep the picture in these bytes; answers its name. Raises Invalid for what is none."""
        return await avatar.set_avatar(self._room, user, read_picture(content))

    async def remove_avatar(self, user: UUID) -> None:
        await avatar.remove_avatar(self._room, user)

    async def avatar_name(self, user: UUID) -> str | None:
        """The name of the user's picture, or None."""
        return await avatar.avatar_name(self._room, user)

    async def require_avatar(self, name: str) -> Picture:
        """The picture of this name. Raises NotFound."""
        return await avatar.require_avatar(self._room, name)
