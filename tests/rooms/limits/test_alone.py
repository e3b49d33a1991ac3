"""The room alone, in a plain FastAPI app: no Mainstay, no identity."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import pytest
import redis
from fastapi import Depends, FastAPI, WebSocket
from fastapi.testclient import TestClient

from mainstay.base.context import Caller
from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope
from mainstay.limits import (
    Limiter,
    LimitsOptions,
    LimitState,
    Subject,
    limit_requests,
    limit_state,
    limited,
    open_limiter,
)

KEYS = {b"k-ada": "gold"}


def by_key(scope: HttpScope, caller: Caller | None) -> Subject | None:
    """An API key that the app knows; anything else counts for its address."""
    key = dict(scope["headers"]).get(b"x-api-key", b"")
    return Subject(f"key:{key.decode()}", KEYS[key]) if key in KEYS else None


OPTIONS = LimitsOptions(tiers={"free": "3/hour", "gold": "6/hour"}, subject_of=by_key)


def plain(limiter: Limiter | None) -> FastAPI:
    opened: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, list[str]]]:
        opened.append("opened")
        yield {"opened": opened}

    app = FastAPI(lifespan=lifespan)
    if limiter is not None:
        limit_requests(app, limiter)

    @app.get("/hello")
    def hello(state: Annotated[LimitState, Depends(limit_state)]) -> dict[str, object]:
        return {"tier": state.tier, "remaining": state.remaining, "opened": opened}

    @app.post("/reports", dependencies=[Depends(limited("1/minute"))])
    async def report() -> str:
        return "done"

    @app.websocket("/echo")
    async def echo(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("hello")
        await socket.close()

    return app


def test_every_request_of_a_plain_app_is_counted_and_told_of() -> None:
    with TestClient(plain(open_limiter(OPTIONS))) as client:
        first = client.get("/hello")
        assert first.json() == {"tier": "free", "remaining": 2, "opened": ["opened"]}
        assert first.headers["x-ratelimit-remaining"] == "2"
        assert first.headers["ratelimit-policy"] == '"free";q=3;w=3600'
        assert client.get("/nothing").headers["x-ratelimit-remaining"] == "1"
        client.get("/hello")
        refused = client.get("/hello")
        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        after = refused.headers["retry-after"]
        assert 1195 <= int(after) <= 1200
        assert refused.headers["ratelimit"] == f'"free";r=0;t={after}'
        assert refused.json()["violated-policies"] == ["free"]
        with client.websocket_connect("/echo") as socket:
            assert socket.receive_text() == "hello"


def test_a_key_that_the_app_knows_has_a_budget_of_its_own_and_an_unknown_one_counts_for_its_address() -> None:
    with TestClient(plain(open_limiter(OPTIONS))) as client:
        known = [client.get("/hello", headers={"X-API-Key": "k-ada"}).status_code for _ in range(7)]
        assert known == [200] * 6 + [429]
        unknown = [client.get("/hello", headers={"X-API-Key": f"guess-{n}"}).status_code for n in range(4)]
        assert unknown == [200] * 3 + [429]


def test_a_route_s_own_limit_answers_as_a_problem_too() -> None:
    with TestClient(plain(open_limiter(OPTIONS))) as client:
        assert client.post("/reports").status_code == 200
        refused = client.post("/reports")
        assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
        assert refused.headers["x-ratelimit-limit"] == "1"


def test_a_limited_route_without_a_limiter_says_what_to_do() -> None:
    with TestClient(plain(None)) as client, pytest.raises(ConfigurationError, match="limit_requests"):
        client.post("/reports")


def test_a_loose_limit_as_a_dependency_says_where_it_belongs() -> None:
    with pytest.raises(ConfigurationError, match="LimitsOptions"):
        limited("1000/hour loose")


def test_two_plain_apps_share_budgets_through_redis_and_close_it_at_the_end(redis_url: str) -> None:
    apps = [plain(open_limiter(OPTIONS, redis_url, namespace="shop")) for _ in range(2)]
    with TestClient(apps[0]) as first, TestClient(apps[1]) as second:
        seen = [client.get("/hello").status_code for _ in range(2) for client in (first, second)]
        assert seen == [200, 200, 200, 429]
    with redis.Redis.from_url(redis_url) as client:
        assert all(key.startswith(b"mainstay:limits:shop:") for key in client.scan_iter())
