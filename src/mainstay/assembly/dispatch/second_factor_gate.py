"""Who has yet to add a second factor that their role needs, and may do nothing else."""

from collections.abc import Collection

from starlette._utils import get_route_path

from mainstay.base.context import Caller
from mainstay.base.ports import Gate, HttpScope
from mainstay.identity.factors import EnrolmentRequired

OWN = "/auth/"


class SecondFactorGate:
    """base.ports.Gate. Their roles are withheld in any case; this says why, wherever they go but to where factors are
    added: below `/auth`, and on the pages."""

    def __init__(self, pages: str) -> None:
        self._pages, self._open = pages, (OWN, f"{pages}/")

    def admit_now(self, scope: HttpScope, caller: Caller | None) -> bool:
        if caller is not None and caller.actor.restricted:
            path = get_route_path(scope)
            if path != self._pages and not path.startswith(self._open):
                raise EnrolmentRequired
        return True

    async def admit(self, scope: HttpScope, caller: Caller | None) -> None:
        self.admit_now(scope, caller)


def second_factor_gates(required_for: Collection[str], pages: str) -> list[Gate]:
    """None where no role asks for a second factor. `pages` is where the pages are."""
    return [SecondFactorGate(pages)] if required_for else []
