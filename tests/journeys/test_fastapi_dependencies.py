"""A1: FastAPI's dependencies, of every kind, beside and in front of generated routes."""

from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Body, Depends, Header, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from mainstay import CurrentUser, current_caller, current_user, require_roles, require_scopes
from tests.databases import Urls
from tests.journeys.shop import Author, Book, a_book, shop, signed_in_as, visiting


class Pagination:
    """A class as a dependency."""

    def __init__(self, skip: int = 0, limit: int = 10) -> None:
        self.skip, self.limit = skip, limit


class Contains:
    """A parametrised dependency."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __call__(self, q: str = "") -> bool:
        return self.word in q


async def test_sub_class_parametrised_and_cached_dependencies_work_beside_generated_routes(sqlite_urls: Urls) -> None:
    app, calls = shop(sqlite_urls), []

    def base() -> int:
        calls.append("base")
        return len(calls)

    async def left(value: Annotated[int, Depends(base)]) -> int:
        return value

    def right(value: Annotated[int, Depends(base)]) -> int:
        return value

    @app.get("/sum")
    async def total(
        a: Annotated[int, Depends(left)],
        b: Annotated[int, Depends(right)],
        fresh: Annotated[int, Depends(base, use_cache=False)],
        page: Annotated[Pagination, Depends()],
        found: Annotated[bool, Depends(Contains("ada"))],
    ) -> dict[str, Any]:
        return {"cached": a == b, "fresh": fresh, "skip": page.skip, "found": found}

    async with visiting(app) as client:
        answer = await client.get("/sum?skip=3&q=by+ada")
        assert answer.json() == {"cached": True, "fresh": 2, "skip": 3, "found": True}
        assert (await client.get("/api/v1/books")).status_code == 200


async def test_yield_dependencies_see_errors_and_clean_up(sqlite_urls: Urls) -> None:
    app, events = shop(sqlite_urls), []

    async def resource() -> AsyncIterator[str]:
        events.append("open")
        try:
            yield "thing"
        except HTTPException:
            events.append("saw the error")
            raise
        finally:
            events.append("close")

    def plain() -> Iterator[None]:
        events.append("plain open")
        yield
        events.append("plain close")

    @app.get("/thing")
    async def thing(value: Annotated[str, Depends(resource)], _: Annotated[None, Depends(plain)]) -> str:
        return value

    @app.get("/broken")
    async def broken(value: Annotated[str, Depends(resource)]) -> str:
        raise HTTPException(418)

    async with visiting(app) as client:
        assert (await client.get("/thing")).json() == "thing"
        assert events == ["open", "plain open", "plain close", "close"]
        events.clear()
        assert (await client.get("/broken")).status_code == 418
        assert events == ["open", "saw the error", "close"]


async def test_router_dependencies_tags_and_prefix_apply_to_the_router_alone(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    def require_key(x_key: Annotated[str | None, Header()] = None) -> None:
        if x_key != "open":
            raise HTTPException(403, "No key.")

    router = APIRouter(prefix="/reports", tags=["reports"], dependencies=[Depends(require_key)])

    @router.get("/daily")
    def daily() -> str:
        return "fine"

    app.include_router(router)
    async with visiting(app) as client:
        assert (await client.get("/reports/daily")).status_code == 403
        assert (await client.get("/reports/daily", headers={"X-Key": "open"})).json() == "fine"
        assert (await client.get("/api/v1/books")).status_code == 200
    assert app.openapi()["paths"]["/reports/daily"]["get"]["tags"] == ["reports"]


async def test_app_wide_dependencies_stand_before_generated_routes_too(sqlite_urls: Urls) -> None:
    events: list[str] = []

    async def require_key(response: Response, x_key: Annotated[str | None, Header()] = None) -> AsyncIterator[None]:
        if x_key != "open":
            raise HTTPException(403, "No key.")
        response.headers["X-Checked"] = "yes"
        events.append("before")
        yield
        events.append("after")

    def tell(tasks: BackgroundTasks) -> None:
        tasks.add_task(events.append, "task")

    app = shop(sqlite_urls, dependencies=[Depends(require_key), Depends(tell)])

    @app.get("/own")
    async def own() -> str:
        return "own"

    async with visiting(app) as client:
        for path in ("/own", "/api/v1/books"):
            refused = await client.get(path)
            assert refused.status_code == 403, path
            assert refused.json()["detail"] == "No key."
            events.clear()
            answer = await client.get(path, headers={"X-Key": "open"})
            assert answer.status_code == 200
            assert answer.headers["X-Checked"] == "yes"
            assert sorted(events) == ["after", "before", "task"]


async def test_a_bad_value_for_an_app_wide_dependency_is_422_on_generated_routes(sqlite_urls: Urls) -> None:
    def wanted(x_number: Annotated[int, Header()]) -> None:
        return None

    async with visiting(shop(sqlite_urls, dependencies=[Depends(wanted)])) as client:
        answer = await client.get("/api/v1/books", headers={"X-Number": "many"})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["header", "x-number"]


async def test_an_app_wide_dependency_may_read_the_body_and_the_generated_route_reads_it_again(
    sqlite_urls: Urls,
) -> None:
    seen: list[bytes] = []

    async def look(request: Request) -> None:
        seen.append(await request.body())

    async with visiting(shop(sqlite_urls, dependencies=[Depends(look)])) as client:
        headers = await signed_in_as(client)
        answer = await client.post("/api/v1/authors", json={"name": "Ada"}, headers=headers)
        assert answer.status_code == 201
        assert b"Ada" in seen[-1]


async def test_an_app_wide_body_parameter_is_validated_on_generated_routes(sqlite_urls: Urls) -> None:
    def named(name: Annotated[str | None, Body(embed=True)] = None) -> None:
        if name == "Mallory":
            raise HTTPException(400, "Not you.")

    async with visiting(shop(sqlite_urls, dependencies=[Depends(named)])) as client:
        answer = await client.post("/api/v1/authors", json={"name": "Mallory"})
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Not you."


async def test_overrides_reach_app_wide_dependencies_in_front_of_generated_routes(sqlite_urls: Urls) -> None:
    def refuse() -> None:
        raise HTTPException(403)

    app = shop(sqlite_urls, dependencies=[Depends(refuse)])
    async with visiting(app) as client:
        assert (await client.get("/api/v1/books")).status_code == 403
        app.dependency_overrides[refuse] = lambda: None
        assert (await client.get("/api/v1/books")).status_code == 200


async def test_own_routes_know_the_caller_and_use_records_under_the_same_policy(urls: Urls) -> None:
    app = shop(urls)

    @app.get("/mine")
    async def mine(user: Annotated[CurrentUser, Depends(current_user)]) -> dict[str, Any]:
        caller = current_caller()
        assert caller is not None
        books = await app.records(Book).list()
        return {"same": caller.actor.user_id == user.id, "titles": [book.title for book in books.items]}

    async with visiting(app) as client:
        ada, eve = await signed_in_as(client), await signed_in_as(client, "eve@example.com")
        await a_book(client, ada, title="Draft")
        assert (await client.get("/mine", headers=ada)).json() == {"same": True, "titles": ["Draft"]}
        assert (await client.get("/mine", headers=eve)).json() == {"same": True, "titles": []}
        refused = await client.get("/mine")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_roles_and_scopes_guard_own_routes(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/admin", dependencies=[Depends(require_roles("admin"))])
    def admin() -> str:
        return "hello"

    @app.get("/system", dependencies=[Depends(require_scopes("system:read"))])
    def system() -> str:
        return "hello"

    async with visiting(app) as client:
        headers = await signed_in_as(client)
        assert (await client.get("/admin", headers=headers)).status_code == 403
        refused = await client.get("/system", headers=headers)
        assert refused.status_code == 403
        assert "system:read" in refused.headers["www-authenticate"]


async def test_own_code_uses_orm_sessions_of_the_callers_tenant_async_and_sync(urls: Urls) -> None:
    app = shop(urls)

    @app.post("/async")
    async def in_async() -> list[str]:
        async with app.session() as session:
            session.add(Author(name="Async"))
            await session.commit()
            return sorted((await session.execute(select(Author.name))).scalars())

    @app.post("/sync")
    def in_sync() -> list[str]:
        with app.sync_session() as session:
            session.add(Author(name="Sync"))
            session.commit()
            return sorted(session.execute(select(Author.name)).scalars())

    async with visiting(app) as client:
        assert (await client.post("/async")).json() == ["Async"]
        assert (await client.post("/sync")).json() == ["Async", "Sync"]
        assert len((await client.get("/api/v1/authors")).json()["items"]) == 2


async def test_rows_are_not_read_for_a_caller_whose_token_is_bad(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/titles")
    async def titles() -> int:
        return await app.records(Book).count()

    async with visiting(app) as client:
        assert (await client.get("/titles")).json() == 0
        refused = await client.get("/titles", headers={"Authorization": "Bearer nonsense"})
        assert refused.status_code == 401


async def test_a_public_route_runs_although_the_token_is_bad_and_a_guarded_one_refuses(sqlite_urls: Urls) -> None:
    app = shop(sqlite_urls)

    @app.get("/public")
    def public() -> str:
        return "anybody"

    @app.get("/guarded")
    def guarded(user: Annotated[CurrentUser, Depends(current_user)]) -> str:
        return "somebody"

    async with visiting(app) as client:
        bad = {"Authorization": "Bearer nonsense"}
        assert (await client.get("/public", headers=bad)).status_code == 200
        assert (await client.get("/guarded", headers=bad)).status_code == 401
        assert (await client.get("/api/v1/books", headers=bad)).status_code == 401


async def test_def_routes_threads_and_background_tasks_keep_the_caller(sqlite_urls: Urls) -> None:
    app, seen = shop(sqlite_urls), []

    def note(where: str) -> None:
        caller = current_caller()
        seen.append((where, caller is not None and caller.actor.signed_in))

    @app.get("/threads")
    def threads(tasks: BackgroundTasks, tag: Annotated[list[str], Query()] = []) -> list[str]:  # noqa: B006  FastAPI's own idiom
        note("def")
        tasks.add_task(note, "task")
        return tag

    @app.get("/pool")
    async def pool() -> None:
        await run_in_threadpool(note, "pool")

    async with visiting(app) as client:
        headers = await signed_in_as(client)
        assert (await client.get("/threads?tag=a&tag=b", headers=headers)).json() == ["a", "b"]
        await client.get("/pool", headers=headers)
    assert seen == [("def", True), ("task", True), ("pool", True)]
