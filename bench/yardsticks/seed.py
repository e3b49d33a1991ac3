"""Fills the yardsticks' database: 10 tenants with a user each, 10,000 posts. DB is a SQLAlchemy address."""

import asyncio
import datetime as dt

from handwritten import Base, Post, Session, User, engine

TENANTS, POSTS = 10, 10_000


async def seed() -> None:
    async with engine.begin() as c:
        await c.run_sync(Base.metadata.drop_all)
        await c.run_sync(Base.metadata.create_all)
    now = dt.datetime.now()
    async with Session() as s:
        s.add_all(User(id=t, name=f"u{t}", tenant_id=t, is_active=True) for t in range(1, TENANTS + 1))
        await s.commit()
        s.add_all(
            Post(
                id=i + 1,
                tenant_id=i % TENANTS + 1,
                title=f"Post number {i}",
                body="lorem ipsum dolor sit amet " * 8,
                author_id=i % TENANTS + 1,
                created_at=now,
            )
            for i in range(POSTS)
        )
        await s.commit()
    async with engine.begin() as c:
        if engine.dialect.name == "postgresql":
            # The rows were given their keys, so the sequence has to be moved past them.
            await c.exec_driver_sql("SELECT setval('posts_id_seq', (SELECT max(id) FROM posts))")
        # Without statistics the first seconds are measured on another plan than the rest.
        await c.exec_driver_sql("ANALYZE")
    await engine.dispose()


asyncio.run(seed())
