"""The room alone, in a plain FastAPI app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from mainstay.base.errors import ConfigurationError
from mainstay.cache import Cache, CurrentCache, cached


def test_decorator_and_dependency_in_a_plain_app() -> None:
    cache, computed = Cache(), []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.cache = cache
        await cache.open()
        yield
        await cache.close()

    app = FastAPI(lifespan=lifespan)

    @cached(ttl=60, shared="everyone", tags=["rates"])
    async def rates(base: str = "EUR") -> dict[str, float]:
        computed.append(base)
        return {base: 1.0, "n": len(computed)}

    @app.get("/rates")
    async def show(found: dict[str, float] = Depends(rates)) -> dict[str, float]:  # noqa: B008  as FastAPI has it
        return found

    @app.get("/threaded")
    @cached(ttl=60, shared="everyone")
    def threaded(x: int, y: str = "a") -> str:
        computed.append(y)
        return f"{x} {y}"

    @app.post("/rates")
    async def publish(cache: CurrentCache) -> None:
        await cache.void("rates", shared="everyone")

    for _ in range(2):
        # Twice: an app may be closed and opened again.
        computed.clear()
        with TestClient(app) as client:
            assert client.get("/rates").json() == client.get("/rates").json() == {"EUR": 1.0, "n": 1}
            assert client.get("/rates?base=USD").json() == {"USD": 1.0, "n": 2}
            client.post("/rates")
            assert client.get("/rates").json() == {"EUR": 1.0, "n": 3}
            assert [client.get("/threaded?x=1").json() for _ in range(2)] == ["1 a", "1 a"]
            assert computed.count("a") == 1
            assert client.get("/threaded?x=one").status_code == 422
    names = {each["name"] for each in app.openapi()["paths"]["/threaded"]["get"]["parameters"]}
    assert names == {"x", "y"}


def test_an_app_without_a_cache_is_told_what_to_set() -> None:
    app = FastAPI()

    @app.get("/")
    async def show(cache: CurrentCache) -> None:
        raise AssertionError

    with pytest.raises(ConfigurationError, match=r"Set app\.state\.cache"):
        TestClient(app).get("/")
