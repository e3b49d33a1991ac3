"""The Python client, waiting and awaiting, against a real server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import anyio
import httpx2 as httpx
import pytest

from mainstay.client import (
    AsyncClient,
    Client,
    ClientError,
    FileStore,
    KeyringStore,
    MemoryStore,
    Problem,
    StepUpRequired,
    Tokens,
    TokenStore,
)
from tests.clients.conftest import PASSWORD, Site, spoil


@pytest.fixture(params=["memory", "file", "keyring"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    ring: dict[str, str] = {}
    keyring = KeyringStore(lambda: ring.get("x"), lambda text: ring.update(x=text), lambda: ring.clear())
    stores: dict[str, TokenStore] = {"memory": MemoryStore(), "file": FileStore(tmp_path / "deep" / "session")}
    return {**stores, "keyring": keyring}[request.param]


def test_from_sign_up_to_sign_out(site: Site, store: TokenStore) -> None:
    told: list[str] = []
    email = f"new-{site.somebody()}"
    with Client(site.url, store=store, on_signed_out=told.append) as client:
        assert client.sign_up(email, PASSWORD) == {"email": email}
        assert not client.is_signed_in
        client.sign_in(email, PASSWORD)
        assert client.request("GET", "/auth/me").json()["email"] == email
        with Client(site.url, store=store) as again:
            assert again.request("GET", "/auth/me").json()["email"] == email
        assert client.sign_out_everywhere() == 1
        assert (client.is_signed_in, client.access_token(), told) == (False, None, ["signed-out"])
        with pytest.raises(Problem, match="Sign in") as refused:
            client.request("GET", "/auth/me")
        assert (refused.value.status, refused.value.code) == (401, "sign_in_required")


def test_resources(site: Site) -> None:
    with Client(site.url) as client:
        email = site.somebody()
        client.sign_in(email, PASSWORD)
        notes = client.resource("notes")
        for number in range(5):
            notes.create({"text": f"{email} {number}"})
        found = notes.list(text__startswith=email, sort=["-text"], limit=2)
        assert [note["text"][-1] for note in found] == ["4", "3", "2", "1", "0"]
        quoted = notes.create({"text": f'a, "b" {email}'})
        assert len(notes.page(text__in=[quoted["text"], "c"])["items"]) == 1
        one = notes.get(quoted["id"])
        changed = notes.update(one, {"text": "changed"})
        assert changed.etag != one.etag
        with pytest.raises(Problem) as late:
            notes.update(one, {"text": "lost update"})
        assert late.value.status == 412
        assert notes.replace(one["id"], {"text": "forced"})["text"] == "forced"
        notes.delete(one["id"])
        with pytest.raises(Problem) as gone:
            notes.get(one["id"])
        assert (gone.value.code, gone.value.request_id != "") == ("not_found", True)
        with pytest.raises(Problem) as wrong:
            notes.create({"text": "x" * 300, "price": Decimal("1.50")})
        assert {each["loc"][1] for each in wrong.value.errors} == {"text", "price"}
        made = client.batch([{"method": "POST", "path": "/notes", "body": {"text": "in a batch"}}])
        assert made[0]["status"] == 201
        for name in ("", ".", ".."):
            with pytest.raises(ClientError, match="by its id"):
                notes.delete(name)


async def test_fifty_tasks_whose_token_is_refused_exchange_one(site: Site, store: TokenStore) -> None:
    email = site.somebody()
    async with AsyncClient(site.url, store=store) as client:
        await client.sign_in(email, PASSWORD)
        spoil(store)
        before = site.asked()
        found: list[str] = []

        async def ask() -> None:
            found.append((await client.request("GET", "/auth/me")).json()["email"])

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ask)
        assert found == [email] * 50
        assert site.asked() == before + 1
        assert len([note async for note in client.resource("notes").list(limit=1, text=email)]) == 0
        assert await client.sign_out_everywhere() == 1


def test_threads_whose_token_is_due_exchange_one(site: Site, store: TokenStore) -> None:
    email = site.somebody()
    with Client(site.url, store=store) as client:
        client.sign_in(email, PASSWORD)
        kept = store.read()
        assert kept is not None
        store.write(Tokens(kept.access_token, kept.refresh_token, time.time() + 5))
        before = site.asked()
        with ThreadPoolExecutor(20) as threads:
            answers = threads.map(lambda _: client.request("GET", "/auth/me").json()["email"], range(40))
            assert list(answers) == [email] * 40
        assert site.asked() == before + 1


PROCESS = """
import sys
from mainstay.client import Client, FileStore
client = Client(sys.argv[1], store=FileStore(sys.argv[2]))
print("ready", flush=True)
sys.stdin.readline()
print(client.request("GET", "/auth/me").json()["email"])
"""


def test_two_processes_with_one_file_exchange_one(site: Site, tmp_path: Path) -> None:
    email, store = site.somebody(), FileStore(tmp_path / "session")
    with Client(site.url, store=store) as client:
        client.sign_in(email, PASSWORD)
        spoil(store)
        before = site.asked()
        command = [sys.executable, "-c", PROCESS, site.url, str(store.path)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        others = [subprocess.Popen(command, text=True, **pipes) for _ in range(2)]  # type: ignore[call-overload]  # by name
        for other in others:
            assert other.stdout.readline() == "ready\n"
        for other in others:
            other.stdin.write("go\n")
            other.stdin.flush()
        assert [other.communicate()[0] for other in others] == [f"{email}\n"] * 2
        assert site.asked() == before + 1
        assert client.request("GET", "/auth/me").json()["email"] == email, "this process has the new token as well"
        assert site.asked() == before + 1
        assert oct(os.stat(store.path).st_mode & 0o777) == "0o600"


def test_a_process_that_dies_with_the_right_to_exchange_leaves_it(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "session")
    script = f"from mainstay.client import FileStore; import os; s = FileStore({str(store.path)!r}); s.acquire(); "
    done = subprocess.run([sys.executable, "-c", script + "os.kill(os.getpid(), 9)"])
    assert done.returncode == -9
    give_back = store.acquire()
    assert give_back is not None
    assert store.acquire() is None
    give_back()


def test_a_file_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "session")
    store.write(Tokens("a", "b", 0.0))
    store.path.chmod(0o644)
    with pytest.raises(ClientError, match="read by others"):
        store.read(fresh=True)
    store.path.chmod(0o600)
    store.path.write_text("not what we wrote")
    assert store.read(fresh=True) is None


def test_a_session_that_is_ended_elsewhere_is_over_and_told_once(site: Site) -> None:
    told: list[str] = []
    email = site.somebody()
    with Client(site.url, on_signed_out=told.append) as client:
        client.sign_in(email, PASSWORD)
        site.sign_out_elsewhere(email)
        for _ in range(3):
            assert client.request("GET", "/auth/me", check=False).status_code == 401
        assert (told, client.is_signed_in) == (["ended"], False)


@pytest.mark.parametrize("stands", [True, False], ids=["stands", "ended"])
def test_what_another_process_exchanged_and_is_refused_too_is_exchanged(site: Site, stands: bool) -> None:
    class Elsewhere(MemoryStore):
        others = 0

        def acquire(self) -> Callable[[], None] | None:
            if self.others:
                self.others -= 1
                spoil(self, "spoilt again")
            return super().acquire()

    store, told, email = Elsewhere(), list[str](), site.somebody()
    with Client(site.url, store=store, on_signed_out=told.append) as client:
        client.sign_in(email, PASSWORD)
        if not stands:
            site.sign_out_elsewhere(email)
        spoil(store)
        store.others, before = 1, site.asked()
        assert client.request("GET", "/auth/me", check=False).status_code == (200 if stands else 401)
        assert (told, client.is_signed_in) == ([] if stands else ["ended"], stands)
        assert site.asked() == before + 1


def test_a_401_is_repeated_once_only_and_a_fresh_token_that_is_refused_ends_it(site: Site) -> None:
    told: list[str] = []
    asked: list[str] = []

    def refuse(request: httpx.Request) -> None:
        asked.append(f"{request.method} {request.url.path}")
        if "authorization" in request.headers:
            request.headers["authorization"] = "Bearer spoilt"

    with httpx.Client(event_hooks={"request": [refuse]}) as http:
        client = Client(site.url, http=http, on_signed_out=told.append)
        client.sign_in(site.somebody(), PASSWORD)
        asked.clear()
        with pytest.raises(Problem):
            client.request("POST", "/api/v1/notes", json={"text": "x"}, idempotency_key="once")
        assert asked == ["POST /api/v1/notes", "POST /auth/refresh", "POST /api/v1/notes"]
        assert (told, client.is_signed_in) == (["refused"], False)


def test_a_routes_own_401_signs_nobody_out_and_step_up_is_asked_for_once(site: Site) -> None:
    told: list[str] = []
    asked: list[int | None] = []

    def prove(problem: StepUpRequired) -> bool:
        asked.append(problem.max_age)
        return True

    with Client(site.url, on_signed_out=told.append, on_step_up=prove) as client:
        client.sign_in(site.somebody(), PASSWORD)
        assert client.request("GET", "/own-401", check=False).status_code == 401
        with pytest.raises(StepUpRequired) as stronger:
            client.request("GET", "/stronger")
        assert (stronger.value.acr_values, asked, told) == (["mfa", "hwk"], [300], [])
        assert client.request("GET", "/auth/me").status_code == 200


async def test_step_up_may_be_awaited(site: Site) -> None:
    asked: list[int | None] = []

    async def prove(problem: StepUpRequired) -> bool:
        asked.append(problem.max_age)
        return False

    async with AsyncClient(site.url, on_step_up=prove) as client:
        await client.sign_in(site.somebody(), PASSWORD)
        with pytest.raises(StepUpRequired):
            await client.request("GET", "/stronger")
        assert asked == [300]


def test_a_token_goes_to_its_app_alone(site: Site) -> None:
    with Client(site.url) as client:
        for path in ("https://evil.example/x", "evil", "http:\\\\evil.example", site.url + "0/x", ""):
            with pytest.raises(ClientError, match="one app"):
                client.request("GET", path)
        assert client.request("GET", "//evil.example/x", check=False).status_code == 404
        for url in ("app.example", "ftp://app.example", ""):
            with pytest.raises(ClientError, match="web address"):
                Client(url)
        with pytest.raises(ClientError, match="out of") as told:
            Client("https://ada:secret@app.example")
        assert "secret" not in str(told.value)


def test_nothing_of_the_server_is_imported() -> None:
    script = "import sys, mainstay.client; print(*(m for m in sys.modules if m.startswith(('mainstay.', 'fastapi'))))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(name.startswith("mainstay.client") for name in done.stdout.split())
