"""The API that `make bench` measures: posts with an owner, a status and a row policy."""

import os
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


# Every request is counted and carries its headers; nobody comes near the limit. BENCH_LIMITS=off leaves that out.
limits = LimitsOptions(tiers={"free": "1000000/second", "admin": None}) if os.getenv("BENCH_LIMITS") != "off" else None
app = Mainstay(resources=[Post], limits=limits)
