"""Tests of an app, as anybody in any tenant, on a really migrated database.

    from mainstay.testing import Backend

    def test_a_book_is_its_owners(backend: Backend) -> None:       # the fixture comes with the package
        ada, ben = backend.as_user("ada"), backend.as_user("ben")
        made = ada.post("/api/v1/books", json={"title": "Notes"})
        assert ben.get(made.headers["location"]).status_code == 404

Needs `pip install 'mainstay[test]'`.
"""

from mainstay.testing.backend import Backend
from mainstay.testing.clock import FakeClock
from mainstay.testing.person import Person
from mainstay.testing.tenant import TenantBackend

__all__ = ["Backend", "FakeClock", "Person", "TenantBackend"]
