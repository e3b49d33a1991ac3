"""Who has yet to add a second factor that their role or tenant needs, and may do nothing else."""

from starlette._utils import get_route_path

from mainstay.base.ports import HttpScope
from mainstay.identity.factors import EnrolmentRequired

OWN = "/auth/"


class SecondFactorGate:
    """Their roles are withheld in any case; this says why, wherever they go but to where factors are added: below
    `/auth`, and on the pages."""

    def __init__(self, pages: str) -> None:
        self._pages, self._open = pages, (OWN, f"{pages}/")

    def refuse(self, scope: HttpScope) -> None:
        """Raises EnrolmentRequired."""
        path = get_route_path(scope)
        if path != self._pages and not path.startswith(self._open):
            raise EnrolmentRequired
