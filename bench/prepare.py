"""Fills Mainstay's database for the bench: 10 tenants, 100 users, 10,000 posts, 1,000 live access tokens.

Writes one line a token to the file that CALLERS names: token, tenant, user id, a post of the tenant, a post of another.
"""

import asyncio
import os
import sys
from pathlib import Path

from mainstay.base.actor import Actor
from mainstay.base.context import Caller

sys.path.insert(0, str(Path(__file__).resolve().parent))
from app import app  # type: ignore[import-not-found]  # the file beside this one, as a user's would be

TENANTS, USERS, TOKENS, POSTS = 10, 10, 10, 1000
PASSWORD = "correct horse battery staple"


async def prepare() -> list[str]:
    """Returns the lines of the callers' file."""
    async with app.running():
        tenants = [f"tenant{n}" for n in range(TENANTS)]
        made = [await one_tenant(name) for name in tenants]
    lines = []
    for n, (name, users, posts) in enumerate(made):
        foreign = made[(n + 1) % TENANTS][2]
        for place, (user, tokens) in enumerate(users):
            for turn, token in enumerate(tokens):
                here = (place * TOKENS + turn) * 7 % len(posts)
                lines.append("\t".join((token, name, user, posts[here], foreign[here])))
    return lines


async def one_tenant(name: str) -> tuple[str, list[tuple[str, list[str]]], list[str]]:
    """A tenant with its users, their tokens and its posts, evenly spread over the users."""
    rooms = app.rooms
    tenant = await rooms.tenancy.create(name, name)
    scope = await rooms.tenancy.scope_of(tenant.id)
    users: list[tuple[str, list[str]]] = []
    posts: list[str] = []
    for place in range(USERS):
        email = f"user{place}@{name}.example"
        user = await rooms.identity.create_user(email, PASSWORD)
        await rooms.tenancy.add_member(tenant.id, user.id)
        tokens = await rooms.identity.sign_in(email, PASSWORD, tenant=name)
        issued = [tokens.access_token]
        for _ in range(TOKENS - 1):
            tokens = await rooms.identity.refresh(tokens.refresh_token)
            issued.append(tokens.access_token)
        users.append((str(user.id), issued))
        caller = Caller(Actor(user.id, frozenset({"user"})), scope, "prepare")
        rows = [
            {"title": f"of {name} number {place * POSTS // USERS + n}", "body": "lorem ipsum dolor sit amet " * 8}
            for n in range(POSTS // USERS)
        ]
        written = await rooms.records["posts"].create_many(caller, rows)
        posts += [str(one.key) for one in written]
    return name, users, posts


if __name__ == "__main__":
    Path(os.environ["CALLERS"]).write_text("\n".join(asyncio.run(prepare())) + "\n")
