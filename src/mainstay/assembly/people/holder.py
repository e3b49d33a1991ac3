"""What a room does for a person who asks what is known of them, and for one who goes."""

from typing import Any, Protocol
from uuid import UUID


class Holder(Protocol):
    """One place where something is held about people. `name` is that of its section in what a person is told."""

    @property
    def name(self) -> str: ...

    async def export(self, user_id: UUID) -> Any:
        """Everything held about the person, JSON-ready; no secrets."""
        ...

    async def erase(self, user_id: UUID) -> int:
        """Give it up; answers how much there was. Done again, or after a crash, it goes on and comes to the same."""
        ...
