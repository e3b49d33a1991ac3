"""The Python client when answers are lost, late or of no use any more: nobody is signed out by accident."""

import threading
import time

import anyio
import httpx2 as httpx
import pytest

from mainstay.client import AsyncClient, Client, MemoryStore, Tokens, Unreachable, kept
from tests.clients.conftest import PASSWORD, Site, spoil


async def test_a_task_that_is_cancelled_in_the_middle_of_a_refresh_leaves_the_others_signed_in(site: Site) -> None:
    email, store = site.somebody(), MemoryStore()
    async with AsyncClient(site.url, store=store) as client:
        await client.sign_in(email, PASSWORD)
        for patience in (0.001, 0.004, 0.01):
            spoil(store)
            with anyio.move_on_after(patience):
                await client.request("GET", "/auth/me")
            assert (await client.request("GET", "/auth/me")).json()["email"] == email


def test_an_answer_to_a_refresh_that_is_lost_with_its_server_signs_nobody_out(site: Site) -> None:
    told: list[str] = []
    email, store = site.somebody(), MemoryStore()
    with Client(site.url, store=store, on_signed_out=told.append) as client:
        client.sign_in(email, PASSWORD)
        spoil(store)
        site.lose()
        for _ in range(20):
            try:
                assert client.request("GET", "/auth/me").json()["email"] == email
                break
            except Unreachable:
                continue
        else:
            pytest.fail("the server did not come back")
        assert not (site.folder / "lose").exists()
        assert told == []


def test_a_row_whose_answer_is_lost_is_made_once(site: Site) -> None:
    email, lost = site.somebody(), [True, True]

    def lose(answer: httpx.Response) -> None:
        if answer.request.url.path.endswith("/notes") and lost:
            lost.pop()
            answer.read()
            raise httpx.ReadError("lost")

    with httpx.Client(event_hooks={"response": [lose]}) as http:
        client = Client(site.url, http=http)
        client.sign_in(email, PASSWORD)
        client.resource("notes").create({"text": email})
        assert len(client.resource("notes").page(text=email)["items"]) == 1
        lost.append(True)
        with pytest.raises(Unreachable):
            client.request("POST", "/api/v1/notes", json={"text": email})


def test_offline_a_token_is_used_to_its_end_and_nobody_is_signed_out(site: Site) -> None:
    told: list[str] = []
    offline = False

    def wire(request: httpx.Request) -> None:
        if offline and request.url.path != "/auth/me":
            raise httpx.ConnectError("offline")

    with httpx.Client(event_hooks={"request": [wire]}) as http:
        store = MemoryStore()
        client = Client(site.url, http=http, store=store, on_signed_out=told.append)
        client.sign_in(site.somebody(), PASSWORD)
        offline = True
        kept = store.read()
        assert kept is not None
        store.write(Tokens(kept.access_token, kept.refresh_token, time.time() + 20))
        assert client.request("GET", "/auth/me").status_code == 200
        store.write(Tokens(kept.access_token, kept.refresh_token, time.time() - 1))
        with pytest.raises(Unreachable):
            client.request("GET", "/auth/me")
        offline = False
        assert client.request("GET", "/auth/me").status_code == 200
        assert told == []


def test_an_answer_to_a_refresh_that_comes_too_late_is_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "GIVE_UP", 0.8)
    answered: list[str] = []

    def dawdle(answer: httpx.Response) -> None:
        if answer.request.url.path == "/auth/refresh":
            answer.read()
            answered.append(answer.json()["refresh_token"])
            if len(answered) == 1:
                time.sleep(0.9)

    with httpx.Client(event_hooks={"response": [dawdle]}) as http:
        store = MemoryStore()
        client = Client(site.url, http=http, store=store)
        client.sign_in(site.somebody(), PASSWORD)
        spoil(store)
        assert client.request("GET", "/auth/me").status_code == 200
        assert len(answered) == 2


def test_what_cannot_be_stored_is_not_used(site: Site) -> None:
    class Full(MemoryStore):
        full = False

        def write(self, tokens: Tokens | None) -> None:
            if self.full:
                raise OSError("No space left on device")
            super().write(tokens)

    store = Full()
    with Client(site.url, store=store) as client:
        client.sign_in(site.somebody(), PASSWORD)
        store.full = True
        before = store.read()
        with pytest.raises(OSError, match="space"):
            client.refresh()
        assert store.read() == before
        store.full = False
        assert client.refresh()


def test_whoever_signs_in_while_a_refresh_is_under_way_stays_signed_in(site: Site) -> None:
    store, once = MemoryStore(), [True]
    with Client(site.url) as other:
        other.sign_in(site.somebody(), PASSWORD)
        theirs = other._session.kept.store.read()

    def meanwhile(answer: httpx.Response) -> None:
        if answer.request.url.path == "/auth/refresh" and once:
            once.clear()
            store.write(theirs)

    told: list[str] = []
    with httpx.Client(event_hooks={"response": [meanwhile]}) as http:
        client = Client(site.url, http=http, store=store, on_signed_out=told.append)
        client.sign_in(site.somebody(), PASSWORD)
        mine = store.read()
        spoil(store)
        client.request("GET", "/auth/me")
        assert theirs is not None
        assert mine is not None
        kept = store.read()
        assert kept is not None
        assert kept.refresh_token.partition(".")[0] != mine.refresh_token.partition(".")[0]
        assert told == []


def test_an_interrupted_wait_gives_back_nothing_it_does_not_have(site: Site) -> None:
    store = MemoryStore()
    give_back = store.acquire()
    assert give_back is not None
    done = threading.Event()
    with Client(site.url, store=store) as client:
        email = site.somebody()

        def sign_in() -> None:
            client.sign_in(email, PASSWORD)
            done.set()

        thread = threading.Thread(target=sign_in)
        thread.start()
        assert not done.wait(0.3), "somebody else has it"
        give_back()
        thread.join(10)
        assert done.is_set()
        assert client.is_signed_in
