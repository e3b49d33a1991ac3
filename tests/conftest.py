"""Every test gets a fresh database on each engine, and is failed when it leaves something behind."""

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from mainstay.base.context import current_caller
from scripts import redis_server, services
from tests.databases import Administrator, Urls, copy_file, make_rooms

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def administrator() -> Iterator[Administrator]:
    """The private PostgreSQL. Where it cannot be had the tests that need it fail and say what to do."""
    try:
        with services.Services().lease() as cluster:
            administrator = Administrator(cluster)
            administrator.sweep()
            yield administrator
            administrator.close()
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser to hand to playwright: `playwright.chromium.launch(executable_path=...)`."""
    try:
        return services.require_browser()
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture
def with_rooms() -> bool:
    """Whether a fresh database has the rooms' tables already, as after `mainstay migrate` of an app without tables.

    Tests of migrations answer False in their module, or in the conftest of their folder.
    """
    return True


@pytest.fixture(scope="session")
def rooms_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file that fresh ones are copied from."""
    file = tmp_path_factory.mktemp("rooms") / "rooms.db"
    make_rooms(Urls(f"sqlite:///{file}", f"sqlite:///{file}", "sqlite"))
    return file


@pytest.fixture
def sqlite_urls(tmp_path: Path, rooms_file: Path, with_rooms: bool) -> Iterator[Urls]:
    """A fresh SQLite file, for what is so on SQLite alone."""
    folder = tmp_path / "database"
    folder.mkdir()
    url = f"sqlite:///{folder / 'test.db'}"
    urls = Urls(url, url, "sqlite")
    if with_rooms:
        copy_file(rooms_file, urls)
    yield urls
    left = sorted(name for name in open_files() if name.startswith(str(folder)))
    assert not left, f"the test left these files open: {left}. Close the database before the test ends."


@pytest.fixture
def postgresql_urls(administrator: Administrator, with_rooms: bool) -> Iterator[Urls]:
    """A fresh PostgreSQL database, for what is so on PostgreSQL alone."""
    urls = administrator.create(rooms=with_rooms)
    yield urls
    left = administrator.drop(urls)
    assert not left, f"the test left {len(left)} connections open; they last ran: {left}"


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request: pytest.FixtureRequest) -> Urls:
    """A fresh database on each engine in turn."""
    found: Urls = request.getfixturevalue(f"{request.param}_urls")
    return found


@pytest.fixture
def database_url(urls: Urls) -> str:
    """The URL of a fresh database on each engine in turn, as the role that cannot bypass row security."""
    return urls.database_url


@pytest.fixture(scope="session")
def private_redis() -> Iterator[redis_server.Redis]:
    """This test process's own Redis. Tests ask for `redis_url`, or for `own_redis` where they stop or hang it."""
    try:
        with redis_server.private_redis(services.Services().folder) as state:
            yield state
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture
def redis_url(private_redis: redis_server.Redis) -> Iterator[str]:
    """The URL of an empty Redis."""
    with redis.Redis.from_url(private_redis.url) as client:
        client.flushall()
        yield private_redis.url
        deadline = time.monotonic() + 2  # a connection that was closed takes the server a moment to end
        while (left := others_of(client)) and time.monotonic() < deadline:
            time.sleep(0.02)
    assert not left, f"the test left {len(left)} connections to Redis open; they last ran: {left}"


def others_of(client: redis.Redis) -> list[str]:
    """What the other connections to this Redis last ran."""
    return [str(each["cmd"]) for each in client.client_list() if int(each["id"]) != client.client_id()]


@pytest.fixture
def own_redis() -> Iterator[redis_server.Redis]:
    """A Redis of this test's own, to be hung with `signal(SIGSTOP)`, ended with `stop()`, and brought back with
    `scripts.redis_server.restart`.
    """
    with redis_server.private_redis(services.Services().folder) as state:
        yield state


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, without a mark."""
    return "asyncio"


def open_files() -> set[str]:
    """The paths behind this process's open file descriptors."""
    found = set()
    for link in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(link.readlink()))
        except OSError:  # the descriptor of the listing itself
            continue
    return found


class _Complaints(logging.Handler):
    """What asyncio complains of: tasks destroyed while pending, exceptions that nobody fetched."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Fail the test that leaves a caller in the context, a thread running, or a task that nobody awaited."""
    complaints, before = _Complaints(), set(threading.enumerate())
    logging.getLogger("asyncio").addHandler(complaints)
    yield
    logging.getLogger("asyncio").removeHandler(complaints)
    assert current_caller() is None, "the test left a caller in the context: use `with acting(...)`"
    assert not complaints.said, f"asyncio complained: {complaints.said}"
    # A loop's own executors live as long as the loop, which may outlive the test.
    left = [thread.name for thread in set(threading.enumerate()) - before if not thread.daemon and thread.is_alive()]
    left = [name for name in left if not name.startswith(("asyncio_", "AnyIO", "ThreadPoolExecutor"))]
    assert not left, f"the test left threads running: {left}"
