"""Values that are set while the app runs, and how every process comes to know them."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update

from mainstay.assembly.live.tables import live_settings as t
from mainstay.base.clock import Clock
from mainstay.base.repeating import Repeating
from mainstay.storage.control import ControlPlane

log = logging.getLogger("mainstay.live")

POLL_SECONDS = 0.25
COUNTER = ""
NEWS = (
    select(t.c.name, t.c.value, t.c.version, t.c.changed_at, t.c.changed_by)
    .where(t.c.version > bindparam("known"))
    .order_by(t.c.version)
)
COUNT = update(t).where(t.c.name == COUNTER).values(version=t.c.version + 1).returning(t.c.version)
_values: dict[str, Any] = {name: bindparam(name) for name in ("value", "version", "changed_at", "changed_by")}
CHANGE = update(t).where(t.c.name == bindparam("named")).values(_values).returning(t.c.name)
ADD = insert(t).values({"name": bindparam("name"), **_values})

Take = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class LiveValue:
    """A value as it was last set. `changed_by` is None for somebody at the command line."""

    value: Any
    changed_at: datetime
    changed_by: UUID | None


class LiveSettings:
    """Names and JSON values. A name may be of a kind: `cors/…`, which its part before the slash follows.

    While the database cannot be read, what was known goes on to hold.
    """

    def __init__(self, control: ControlPlane, clock: Clock) -> None:
        self._control, self._clock = control, clock
        self._known = 0
        self._values: dict[str, LiveValue] = {}
        self._followers: dict[str, Take] = {}
        self._polling = asyncio.Lock()
        told = "live settings cannot be read, what is known goes on to hold"
        self._repeating = Repeating("mainstay-live-settings", self.poll, log, told)

    def follow(self, kind: str, take: Take) -> None:
        """Have `take(name, value)` called with each value of this kind, and with None for one that is unset."""
        self._followers[kind] = take

    def get(self, name: str) -> LiveValue | None:
        """The value as this process knows it."""
        return self._values.get(name)

    def named(self, kind: str) -> dict[str, LiveValue]:
        """Every value of a kind, by the part of its name behind the slash."""
        prefix = f"{kind}/"
        return {name.removeprefix(prefix): value for name, value in self._values.items() if name.startswith(prefix)}

    async def put(self, name: str, value: Any, by: UUID | None) -> None:
        """Set a value, or unset it with None: in this process at once, in every other within a second."""
        await self._control.write(self._put(name, value, by))
        await self.poll()

    def _put(self, name: str, value: Any, by: UUID | None) -> Any:
        counted = yield self._control.step(COUNT)
        told = {"value": value, "version": counted[0][0], "changed_at": self._clock.now(), "changed_by": by}
        changed = yield self._control.step(CHANGE, named=name, **told)
        if not changed:
            yield self._control.step(ADD, name=name, **told)

    # The life of the poll

    async def open(self) -> None:
        """Read everything once, then keep reading what is new until `close`."""
        await self.poll()
        self._repeating.start(POLL_SECONDS)

    async def close(self) -> None:
        await self._repeating.stop()

    async def poll(self) -> None:
        """Take what others have set. Raises Unavailable when the database is away."""
        async with self._polling:
            for name, value, version, changed_at, changed_by in await self._control.fetch(NEWS, known=self._known):
                if name != COUNTER:
                    self._take(name, value, changed_at, changed_by)
                self._known = max(self._known, version)

    def _take(self, name: str, value: Any, changed_at: datetime, changed_by: UUID | None) -> None:
        if value is None:
            self._values.pop(name, None)
        else:
            self._values[name] = LiveValue(value, changed_at, changed_by)
        take = self._followers.get(name.partition("/")[0])
        try:
            if take is not None:
                take(name, value)
        except Exception:  # a newer version's value must not stop this one from hearing the next
            log.exception("the live setting %s cannot be used; what held before goes on to hold", name)
