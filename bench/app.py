"""The API that `make bench` measures: posts with an owner, a status and a row policy."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Resource, field, owned, owner, role, row
from mainstay.limits import LimitsOptions


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Post(Resource):
    """Something a member of a tenant wrote."""

    __tablename__ = "posts"
    title: Mapped[str] = field(max_length=200)
    body: Mapped[str] = field()
    author_id: Mapped[UUID] = owned()
    status: Mapped[Status] = field(default=Status.published)

    __access__ = Access(read=(row.status == "published") | owner, write=owner | role("editor"))


# Every request is counted and carries its headers; nobody comes near the limit.
app = Mainstay(resources=[Post], limits=LimitsOptions(tiers={"free": "1000000/second", "admin": None}))
