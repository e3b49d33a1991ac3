"""The same API as the guides write it by hand: FastAPI, SQLAlchemy's async ORM, PyJWT, a user look-up, response models.

Run by `make bench` under uvicorn on one core; DB is a SQLAlchemy address.
"""

import datetime as dt
import os
from collections.abc import AsyncIterator
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

URL = os.environ.get("DB", "sqlite+aiosqlite:///t.db")
SECRET = "x" * 40
options: dict[str, Any] = {} if URL.startswith("sqlite") else {"pool_size": 20}
engine = create_async_engine(URL, **options)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    tenant_id: Mapped[int]
    is_active: Mapped[bool]


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(index=True)
    title: Mapped[str]
    body: Mapped[str]
    author_id: Mapped[int]
    created_at: Mapped[dt.datetime]


class PostOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    title: str
    body: str
    author_id: int
    created_at: dt.datetime


class PostIn(BaseModel):
    title: str
    body: str


app = FastAPI()
bearer = HTTPBearer()


async def db() -> AsyncIterator[AsyncSession]:
    async with Session() as s:
        yield s


Db = Annotated[AsyncSession, Depends(db)]


async def user(c: Annotated[HTTPAuthorizationCredentials, Depends(bearer)], s: Db) -> User:
    try:
        p = jwt.decode(c.credentials, SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    u = await s.get(User, int(p["sub"]))
    if not u or not u.is_active:
        raise HTTPException(401)
    return u


Me = Annotated[User, Depends(user)]


@app.get("/posts", response_model=list[PostOut])
async def posts(u: Me, s: Db, limit: Annotated[int, Query(le=100)] = 20, offset: int = 0) -> Any:
    mine = select(Post).where(Post.tenant_id == u.tenant_id)
    return (await s.scalars(mine.order_by(Post.id.desc()).limit(limit).offset(offset))).all()


@app.get("/posts/{pid}", response_model=PostOut)
async def post(pid: int, u: Me, s: Db) -> Any:
    p = (await s.scalars(select(Post).where(Post.id == pid, Post.tenant_id == u.tenant_id))).first()
    if not p:
        raise HTTPException(404)
    return p


@app.post("/posts", response_model=PostOut, status_code=201)
async def create(b: PostIn, u: Me, s: Db) -> Any:
    p = Post(tenant_id=u.tenant_id, title=b.title, body=b.body, author_id=u.id, created_at=dt.datetime.now())
    s.add(p)
    await s.commit()
    return p


@app.get("/hello")
async def hello() -> dict[str, str]:
    return {"hello": "world"}
