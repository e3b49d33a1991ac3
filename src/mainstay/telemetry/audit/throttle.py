"""Refusals are told one by one until there are many of a kind, and counted from then on: a flood fills no disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from mainstay.base.clock import Clock
from mainstay.telemetry.audit.deed import Deed
from mainstay.telemetry.audit.options import AuditOptions

Kind = tuple[str, UUID, UUID | None, UUID | None, str]


@dataclass(slots=True)
class _Window:
    first: Deed
    last: Deed
    seen: int = 1
    told: int = 1


@dataclass(slots=True)
class Throttle:
    """In memory, and never waits: what it lets through is taken off every interval by whoever writes it down.

    Of one kind (name, actor, whom it is about, address) `window_first` deeds go through in a window, and at its end
    one that says how many more there were. Beyond `window_keys` kinds only names are kept apart.
    """

    options: AuditOptions
    clock: Clock
    _windows: dict[Kind, _Window] = field(default_factory=dict)
    _out: list[Deed] = field(default_factory=list)
    _began: float = float("-inf")

    def tell(self, deed: Deed) -> None:
        """Take the deed, or count it."""
        now = self.clock.monotonic()
        if now - self._began >= self.options.window:
            self._turn(now)
        kind = self._kind(deed)
        window = self._windows.get(kind)
        if window is None and len(self._windows) >= self.options.window_keys:
            kind = (deed.name, deed.chain, None, None, "")
            window = self._windows.get(kind)
            deed = replace(deed, origin={}, details={"of": "many addresses or accounts"}, actor_id=None, user_id=None)
            if window is None:
                self._windows[kind] = _Window(deed, deed, 1, 0)
                return
        if window is None:
            self._windows[kind] = _Window(deed, deed)
            self._out.append(deed)
            return
        window.seen, window.last = window.seen + 1, deed
        if window.told < self.options.window_first and window.told > 0:
            window.told += 1
            self._out.append(deed)

    def taken(self, *, all_of_it: bool = False) -> list[Deed]:
        """What is to be written down by now; the counts too, where the window is over or `all_of_it` is asked for."""
        now = self.clock.monotonic()
        if all_of_it or (self._windows and now - self._began >= self.options.window):
            self._turn(now)
        out, self._out = self._out, []
        return out

    def give_back(self, deeds: list[Deed]) -> None:
        """They could not be written: they wait, but not without bound."""
        most = self.options.window_keys * (self.options.window_first + 1) * 2
        self._out = (deeds + self._out)[:most]

    def _turn(self, now: float) -> None:
        for window in self._windows.values():
            more = window.seen - window.told
            if more > 0:
                counted: Mapping[str, Any] = {**window.last.details, "times": more}
                if more > 1:
                    counted = {**counted, "since": window.first.at.isoformat()}
                self._out.append(replace(window.last, details=counted))
        self._windows.clear()
        self._began = now

    def _kind(self, deed: Deed) -> Kind:
        return deed.name, deed.chain, deed.actor_id, deed.user_id, str(deed.origin.get("address", ""))
