"""What was made of rows is void when they change: at once where the change was made, within the bound elsewhere."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay.base.tenant import DEFAULT_TENANT, TenantScope
from mainstay.testing import Backend, Person
from tests.databases import Urls
from tests.rooms.cache.catalogue import Note, made, two_processes

# The bound is a second: a tail's interval, the relay's and its gathering are half of it. The rest is a busy machine's.
SLACK = 4.0


def names(person: Person, table: str = "titles") -> Any:
    answer = person.get(f"/names/{table}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def write(person: Person, table: str, **values: Any) -> str:
    answer = person.post(f"/api/v1/{table}", json=values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def computed(backend: Backend) -> list[str]:
    found: list[str] = backend.app.state.computed
    return found


def test_a_process_reads_its_own_writes_whatever_way_they_went(urls: Urls) -> None:
    with Backend(made(), database_url=urls.database_url, system_url=urls.system_url) as backend:
        ada = backend.as_user("ada")
        _writes_over_rest_and_orm(ada)
        _a_def_route(ada)
        _one_row_of_many(backend, ada)
        backend.run(_a_commit_during_a_fill, backend)


def _writes_over_rest_and_orm(ada: Person) -> None:
    author = write(ada, "authors", name="Ada")
    assert (names(ada), names(ada, "authors"), names(ada, "notes")) == ([], ["Ada"], [])
    one = write(ada, "titles", name="one", author_id=author)
    assert names(ada) == ["one"]
    # What a hook writes in the same transaction; it has 250 ms, which a busy machine may not give it.
    while ada.post("/api/v1/orders", json={"name": "hook"}).status_code == 503:
        time.sleep(0.2)
    assert names(ada, "notes") == ["hook"]
    ada.patch(f"/api/v1/titles/{one}", json={"name": "two"})
    assert names(ada) == ["two"]
    ada.post(f"/orm/{one}?name=three")
    assert names(ada) == ["three"]
    ada.post(f"/sync/{one}?name=four")
    assert names(ada) == ["four"]
    ada.post("/bulk?name=five")
    assert names(ada) == ["five"]
    many = [{"name": "six", "author_id": author}, {"name": "seven", "author_id": author}]
    assert ada.post("/api/v1/titles", json=many).status_code == 201
    assert names(ada) == ["five", "seven", "six"]
    many = [{"text": "a"}, {"text": "b"}]
    assert ada.post("/api/v1/notes", json=many).status_code == 201
    assert names(ada, "notes")[:2] == ["a", "b"]
    ada.delete(f"/api/v1/titles/{one}")
    assert names(ada) == ["seven", "six"]
    # What goes with a row is told as well; a tag may be the resource's name or its table's.
    ada.delete(f"/api/v1/authors/{author}")
    assert (names(ada), names(ada, "authors")) == ([], [])


def _a_def_route(ada: Person) -> None:
    author = write(ada, "authors", name="Ada")
    for number in range(3):
        assert [ada.get("/threaded").json(), ada.get("/threaded").json()] == [number, number]
        write(ada, "titles", name="one", author_id=author)
    ada.delete(f"/api/v1/authors/{author}")


def _one_row_of_many(backend: Backend, ada: Person) -> None:
    author = write(ada, "authors", name="Ada")
    one, two = (write(ada, "titles", name=name, author_id=author) for name in ("one", "two"))
    _settled(lambda: [ada.get(f"/title/{each}").json() for each in (one, two)], computed(backend))
    before = len(computed(backend))
    ada.patch(f"/api/v1/titles/{one}", json={"name": "new"})
    assert (ada.get(f"/title/{one}").json(), ada.get(f"/title/{two.upper()}").json()) == ("new", "two")
    _settled(lambda: ada.get(f"/title/{one}").json(), computed(backend))
    assert ada.get(f"/title/{two}").json() == "two"
    assert two not in computed(backend)[before:]
    ada.post("/bulk?name=all")
    assert (ada.get(f"/title/{one}").json(), ada.get(f"/title/{two}").json()) == ("all", "all")


async def _a_commit_during_a_fill(backend: Backend) -> None:
    """A value that was begun before a commit is answered to who asked, and not kept."""
    cache = backend.app.cache
    begun, go = asyncio.Event(), asyncio.Event()

    async def old() -> str:
        begun.set()
        await go.wait()
        return "old"

    async def ask(compute: Any) -> Any:
        return await cache.get_or_set("key", compute, ttl=60, shared="everyone", tags=[Note])

    await ask(lambda: "warm")
    await cache.delete("key", shared="everyone")
    first = asyncio.create_task(ask(old))
    await begun.wait()
    async with backend.app.rooms.database.session(TenantScope(DEFAULT_TENANT)) as session:
        session.add(Note(text="committed meanwhile"))
        await session.commit()
    go.set()
    assert (await first, await ask(lambda: "new")) == ("old", "new")


def test_another_process_hears_of_it_within_the_bound(urls: Urls) -> None:
    with two_processes(urls) as (one, two):
        ada, same = one.as_user("ada"), two.as_user("ada")
        _heard_elsewhere(ada, same, two)
        for deed in ("/void", "/clear"):
            _settled(lambda: names(same), computed(two))
            before = len(computed(two))
            assert ada.post(deed).status_code == 200
            deadline = time.monotonic() + SLACK
            while len(computed(two)) == before:
                names(same)
                assert time.monotonic() < deadline
                time.sleep(0.01)
        # A process whose tail has stopped computes: it cannot know what others wrote.
        _settled(lambda: names(same), computed(two))
        two.run(two.app.rooms._void_log._tail.stop)
        write(ada, "titles", name="new", author_id=write(ada, "authors", name="Ada"))
        assert "new" in names(same)


def _heard_elsewhere(ada: Person, same: Person, two: Backend) -> None:
    author = write(ada, "authors", name="Ada")
    for number in range(2):
        assert len(names(ada)) == number
        _settled(lambda: names(same), computed(two))
        written = time.monotonic()
        write(ada, "titles", name=f"{number}", author_id=author)
        assert len(names(ada)) == number + 1
        while len(names(same)) == number:
            assert time.monotonic() - written < SLACK
            time.sleep(0.01)


def test_with_redis_too_and_although_nobody_told_redis(sqlite_urls: Urls, redis_url: str) -> None:
    with two_processes(sqlite_urls, redis_url=redis_url, cache_timeout=2.0) as (one, two):
        ada, same = one.as_user("ada"), two.as_user("ada")
        assert names(same) == []
        _settled(lambda: names(same), computed(two))
        # This process never used its cache, as a worker or an import would not, so it tells Redis nothing.
        author = write(ada, "authors", name="Ada")
        write(ada, "titles", name="new", author_id=author)
        # A process that begins to use it now does not fall for what is still in Redis.
        assert names(ada) == ["new"]
        deadline = time.monotonic() + SLACK
        while names(same) == []:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        ada.delete(f"/api/v1/authors/{author}")
        _heard_elsewhere(ada, same, two)
        before = len(computed(one))
        _settled(lambda: names(same), computed(two))
        names(ada)
        # What one process has filled the other need not compute.
        assert len(computed(one)) == before


def test_changes_of_another_table_or_tenant_void_nothing(sqlite_urls: Urls) -> None:
    settings = {"tenant_from": "header"}
    with Backend(made(), database_url=sqlite_urls.database_url, settings=settings) as backend:
        here, there = backend.tenant("here").as_user("ada"), backend.tenant("there").as_user("ada")
        assert (names(here), names(there)) == ([], [])
        _settled(lambda: names(here), computed(backend))
        before = len(computed(backend))
        write(here, "authors", name="Ada")
        write(there, "titles", name="theirs", author_id=write(there, "authors", name="Bob"))
        time.sleep(0.4)
        assert names(here) == []
        assert len(computed(backend)) == before
        assert names(there) == ["theirs"]


def test_two_databases_in_one_redis_are_apart(sqlite_urls: Urls, redis_url: str, tmp_path: Path) -> None:
    settings = {"redis_url": redis_url, "cache_timeout": 2.0, "secret_key": "the same in both, though they are two"}
    urls = [sqlite_urls.database_url, f"sqlite:///{tmp_path / 'other.db'}"]
    with (
        Backend(made(), database_url=urls[0], settings=settings) as one,
        Backend(made(), database_url=urls[1], settings=settings) as two,
    ):

        async def told(backend: Backend, value: str) -> Any:
            return await backend.app.cache.get_or_set("name", lambda: value, ttl=60, shared="everyone")

        assert one.run(told, one, "one") == one.run(told, one, "later") == "one"
        assert two.run(told, two, "two") == "two"


def _settled(ask: Callable[[], Any], computed: list[str]) -> None:
    """Ask until it is kept: what was written a moment ago may still be on its way."""
    deadline = time.monotonic() + SLACK
    while time.monotonic() < deadline:
        ask()
        before = len(computed)
        time.sleep(0.35)
        ask()
        if len(computed) == before:
            return
    raise AssertionError("it is computed every time")
