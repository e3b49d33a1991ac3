"""`mainstay serve` and `mainstay dev`: real processes on real ports."""

import contextlib
import json
import os
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from mainstay.cli.serving.port import free_port
from tests.databases import Urls
from tests.rooms.cli.shell import APP, Shell
from tests.serving import PATIENCE, served, started, until

WHO = {"email": "ada@example.com", "password": "a long and quiet night"}
SLOW = (
    APP
    + """

@app.get("/slow")
async def slow() -> str:
    import asyncio
    from pathlib import Path

    Path("begun").touch()
    while not Path("go").exists():
        await asyncio.sleep(0.02)
    return "done"
"""
)


def test_the_banner_prints_every_url_and_the_link_for_the_first_administrator(shop: Shell) -> None:
    with started(shop.folder, "serve", "app.py", "--port", "0") as server:
        base = server.wait_for(r"Shop is served at (http://127\.0\.0\.1:\d+)")[1]
        server.wait_for("Ctrl\\+C stops")
        for path in ("/", "/docs", "/redoc", "/openapi.json", "/health"):
            assert f"{base}{path}" in server.said()
            assert httpx.get(f"{base}{path}", headers={"accept": "text/html"}).status_code == 200
        link = server.wait_for(r"http\S+/first-admin#(\S+)")
        body = {"token": link[1], **WHO}
        assert httpx.post(f"{base}/first-admin", json=body).status_code == 201
        again = httpx.post(f"{base}/first-admin", json={**body, "email": "eve@example.com"})
        assert again.status_code == 409
        assert server.stop() == 0
    with started(shop.folder, "serve", "app.py", "--port", "0") as server:
        server.wait_for("Ctrl\\+C stops")
        assert "first-admin" not in server.said()


def test_requests_under_way_are_answered_before_it_stops(shop: Shell) -> None:
    shop.write("app.py", SLOW)
    answers: list[Any] = []
    with served(shop.folder) as (server, client):
        asking = threading.Thread(target=lambda: answers.append(client.get("/slow")))
        asking.start()
        until((shop.folder / "begun").exists, server.said)
        server.process.terminate()
        (shop.folder / "go").touch()
        asking.join()
        assert server.process.wait(PATIENCE) == 0
    assert [answer.json() for answer in answers] == ["done"]


def test_workers_and_restarts_agree_on_tokens(shop: Shell, urls: Urls) -> None:
    environment = {"MAINSTAY_DATABASE_URL": urls.database_url}
    if urls.system_url != urls.database_url:
        environment["MAINSTAY_DATABASE_SYSTEM_URL"] = urls.system_url
    with served(shop.folder, "--workers", "2", "--migrate", **environment) as (server, client):
        assert client.post("/auth/sign-up", json=WHO).status_code == 202
        token = client.post("/auth/sign-in", json=WHO).json()["access_token"]
        for _ in range(12):  # each on a connection of its own, so that both workers are asked
            answer = httpx.get(f"{client.base_url}/auth/me", headers={"authorization": f"Bearer {token}"})
            assert answer.status_code == 200
        assert server.stop() == 0
    with served(shop.folder, **environment) as (_, client):
        assert client.get("/auth/me", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_it_stops_whichever_signals_come_and_however_fast(shop: Shell) -> None:
    for signals in ([signal.SIGHUP], [signal.SIGINT, signal.SIGTERM, signal.SIGHUP] * 50):
        with served(shop.folder) as (server, _):
            for each in signals:
                server.process.send_signal(each)
            assert server.process.wait(PATIENCE) == 0


def test_a_worker_that_is_killed_is_replaced(shop: Shell) -> None:
    with served(shop.folder) as (server, client):
        first = workers_of(server.process.pid)
        assert len(first) == 1
        os.kill(first[0], signal.SIGKILL)
        until(lambda: workers_of(server.process.pid) not in ([], first), server.said, server.process)
        until(lambda: answers(client), server.said, server.process)
        assert server.stop() == 0


def test_a_workers_network_threads_let_answers_gather(shop: Shell) -> None:
    with served(shop.folder) as (server, client):
        assert client.get("/livez").status_code == 200
        (worker,) = workers_of(server.process.pid)
        tasks = {int(each.name): (each / "comm").read_text() for each in Path(f"/proc/{worker}/task").iterdir()}
        network = [task for task, name in tasks.items() if name.startswith("tokio")]
        assert network
        until(
            lambda: {os.sched_getscheduler(task) for task in network} == {os.SCHED_BATCH}, server.said, server.process
        )
        assert os.sched_getscheduler(worker) == os.SCHED_OTHER


def test_the_process_above_the_workers_holds_nothing_of_the_app(shop: Shell) -> None:
    with served(shop.folder, "--workers", "2") as (server, client):
        until(lambda: len(workers_of(server.process.pid)) == 2, server.said, server.process)
        assert client.get("/livez").status_code == 200
        above, worker = (
            Path(f"/proc/{pid}/maps").read_text() for pid in (server.process.pid, workers_of(server.process.pid)[0])
        )
        assert all(each in worker for each in ("sqlalchemy", "pysqlite3", "orjson"))
        assert not any(each in above for each in ("sqlalchemy", "pysqlite3", "orjson"))


def test_many_workers_refuse_with_one_voice(shop: Shell) -> None:
    ended = shop("serve", "app.py", "--host", "192.0.2.1", "--workers", "3", "--json")
    assert (ended.code, ended.error["code"]) == (3, "configuration")


def workers_of(pid: int) -> list[int]:
    """The processes that serve for this one."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with contextlib.suppress(OSError):
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                found.append(int(child))
    return found


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.HTTPError:
        return False


def test_a_database_that_is_behind_is_not_served_unless_it_may_be_migrated(shop: Shell, postgresql_urls: Urls) -> None:
    environment = {
        "MAINSTAY_DATABASE_URL": postgresql_urls.database_url,
        "MAINSTAY_DATABASE_SYSTEM_URL": postgresql_urls.system_url,
    }
    with started(shop.folder, "serve", "app.py", "--port", "0", **environment) as server:
        assert server.process.wait(PATIENCE) == 3
        assert "--migrate" in server.said()
        assert "Traceback" not in server.said()
    with served(shop.folder, "--migrate", **environment) as (_, client):
        assert client.get("/readyz").status_code == 200


def test_a_port_that_was_chosen_is_nobody_elses_before_the_workers_listen_there() -> None:
    port = free_port("127.0.0.1", 0)
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    assert free_port("127.0.0.1", port) == port
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Granian does
        server.bind(("127.0.0.1", port))
        server.listen()
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass


def test_a_port_in_use_is_a_sentence(shop: Shell) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = shop("serve", "app.py", "--port", str(port), "--json")
    assert ended.code == 3
    assert ended.error["message"] == f"port {port} of 127.0.0.1 is in use."
    assert "--port" in ended.error["fix"]


@pytest.mark.parametrize(
    ("options", "environment", "sentence"),
    [
        (["--host", "192.0.2.1"], {}, "no address of this machine"),
        (["--host", "no such host"], {}, "no address of this machine"),
        ([], {"MAINSTAY_ENVIRONMENT": "production"}, "MAINSTAY_SECRET_KEY"),
        ([], {"MAINSTAY_DATABASE_URL": "sqlite:////dev/null/shop.db"}, "/dev/null"),
        ([], {"MAINSTAY_DATABASE_URL": "sqlite:////proc/shop.db"}, "/proc"),
        ([], {"MAINSTAY_DATABASE_URL": "postgresql://nobody:hunter2@127.0.0.1:1/x"}, "127.0.0.1"),
        ([], {"MAINSTAY_DATABSE_URL": "sqlite:///x.db"}, "MAINSTAY_DATABASE_URL"),
    ],
)
def test_what_keeps_it_from_starting_is_a_sentence(
    shop: Shell, monkeypatch: pytest.MonkeyPatch, options: list[str], environment: dict[str, str], sentence: str
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ended = shop("serve", "app.py", "--port", "0", "--json", *options)
    assert ended.code == 3, ended.err
    told = json.loads(ended.err.splitlines()[-1])["error"]
    assert sentence in told["message"] + told["fix"]
    assert "Traceback" not in ended.err
    assert "hunter2" not in ended.err


def test_an_app_that_cannot_start_ends_the_server_with_one(shop: Shell) -> None:
    broken = APP.replace('app = Mainstay(title="Shop"', 'app = Mainstay(title="Shop", lifespan=lifespan')
    text = """
from contextlib import asynccontextmanager


@asynccontextmanager
async def lifespan(app):
    raise ValueError("the shop is closed")
    yield


"""
    shop.write("app.py", broken.replace("app = Mainstay", text + "app = Mainstay"))
    with started(shop.folder, "serve", "app.py", "--port", "0") as server:
        assert server.process.wait(PATIENCE) == 1
        assert "the shop is closed" in server.said()


def test_dev_starts_again_when_a_file_changes_and_outlives_a_broken_one(shop: Shell) -> None:
    with started(shop.folder, "dev", "app.py", "--port", "0") as server:
        base = server.wait_for(r"served at (http://\S+)")[1]
        assert httpx.get(f"{base}/openapi.json").json()["info"]["title"] == "Shop"
        shop.write("app.py", "def f(:\n")
        server.wait_for("app.py line 1 is not Python")
        server.wait_for("waiting for a change")
        shop.write("app.py", APP.replace('title="Shop"', 'title="Better Shop"'))
        until(lambda: title(base) == "Better Shop", server.said, server.process)
        assert "Traceback" not in server.said()
        assert server.stop() == 0


def title(base: str) -> str:
    try:
        found: str = httpx.get(f"{base}/openapi.json").json()["info"]["title"]
        return found
    except httpx.HTTPError:
        return ""
