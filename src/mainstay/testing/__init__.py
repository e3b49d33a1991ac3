"""Tests of an app, as anybody in any tenant, on a really migrated database.

    from mainstay.testing import Backend

    def test_a_book_is_its_owners(backend: Backend) -> None:       # the fixture comes with the package
        ada, ben = backend.as_user("ada"), backend.as_user("ben")
        made = ada.post("/api/v1/books", json={"title": "Notes"})
        assert ben.get(made.headers["location"]).status_code == 404

Needs `pip install 'mainstay[test]'`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainstay.testing.backend import Backend
    from mainstay.testing.clock import FakeClock
    from mainstay.testing.elsewhere import FakeServices
    from mainstay.testing.mailbox import Mailbox
    from mainstay.testing.person import Person
    from mainstay.testing.tenant import TenantBackend

__all__ = ["Backend", "FakeClock", "FakeServices", "Mailbox", "Person", "TenantBackend"]

# Loaded when first asked for: the pytest plugin in here is imported by every pytest run.
_HOMES = {
    "Backend": "backend",
    "FakeClock": "clock",
    "FakeServices": "elsewhere",
    "Mailbox": "mailbox",
    "Person": "person",
    "TenantBackend": "tenant",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
