"""Two customers of one app, and people who try to reach across."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, field, signed_in
from mainstay.testing import Backend
from tests.databases import Urls


class Base(Resource, family=True):
    """Apart from other tests' tables."""

    __abstract__ = True


class Note(Base):
    """Something to remember."""

    __tablename__ = "notes"
    __access__ = Access(read=signed_in, write=signed_in)
    text: Mapped[str] = field(max_length=200)


@contextmanager
def company(urls: Urls, tenant_from: str = "header", **app: Any) -> Iterator[Backend]:
    """The app on this database, each request naming its tenant."""
    made = Mainstay(resources=[Note], **app)
    settings = {"tenant_from": tenant_from, "limits": False, "public_url": "http://testserver"}
    with Backend(made, database_url=urls.database_url, system_url=urls.system_url, settings=settings) as backend:
        yield backend


def key_headers(secret: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}", **more}


def journal(backend: Backend, tenant: str = "default") -> list[Any]:
    """What the tenant's audit tells, once everything is chained; the newest first."""

    async def chained() -> None:
        audit = backend.app.rooms.audit
        await audit.flush()
        while await audit.waiting() or await audit.chaining.behind():
            await audit.settle()

    backend.run(chained)
    reader = backend.tenant(tenant).as_user("auditor", ["admin"])
    found: list[Any] = reader.get("/audit", params={"limit": 200}).json()["items"]
    return found
