"""What a request has to pass before its handler runs, in order."""

from collections.abc import Callable, Sequence

from mainstay.base.context import Caller
from mainstay.base.ports import Gate, HttpScope


class Gates:
    """Several gates as one: the first that refuses has the word. `restricted` is asked after them, and only about
    callers who may do little: for all others that costs one look.
    """

    def __init__(self, gates: Sequence[Gate], restricted: Callable[[HttpScope], None]) -> None:
        self._gates = tuple(gates)
        self._restricted = restricted

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        """Ask each gate while they can tell at once; the rest is left to `admit`."""
        for place, gate in enumerate(self._gates):
            if not gate.admit_now(scope, caller):
                scope["mainstay.gate"] = place
                return False
        if caller is not None and caller.actor.restricted:
            self._restricted(scope)
        return True

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        """Go on where `admit_now` left off."""
        place = scope.pop("mainstay.gate", 0)
        for number, gate in enumerate(self._gates[place:]):
            # The first of them has said already that it cannot tell at once.
            if number == 0 or not gate.admit_now(scope, caller):
                await gate.admit(scope, caller)
        if caller is not None and caller.actor.restricted:
            self._restricted(scope)
