"""Who has yet to add a second factor that their role needs, and may do nothing else."""

from collections.abc import Collection

from mainstay.base.context import Caller
from mainstay.base.ports import Gate, HttpScope
from mainstay.identity.factors import EnrolmentRequired

OWN = "/auth/"


class SecondFactorGate:
    """base.ports.Gate. Their roles are withheld in any case; this says why, wherever they go."""

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        if caller is not None and caller.actor.restricted and not scope["path"].startswith(OWN):
            raise EnrolmentRequired
        return True

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        self.admit_now(scope, caller)


def second_factor_gates(required_for: Collection[str]) -> list[Gate]:
    """None where no role asks for a second factor."""
    return [SecondFactorGate()] if required_for else []
