"""No form of token but the honest one opens anything, over HTTP, whether the honest one is remembered or not."""

from collections.abc import AsyncIterator

import orjson
import pytest

from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.forged import b64, forms, unb64
from tests.rooms.identity.library import Running, library

PATHS = ("/api/v1/folios", "/auth/me")


@pytest.fixture
async def running(urls: Urls) -> AsyncIterator[Running]:
    async with library(urls, WoundClock()) as built:
        yield built


async def test_no_form_but_the_honest_one_opens_anything(running: Running) -> None:
    forger = await running.forger()
    corpus = forms(forger)
    assert len(corpus) >= 60
    honest = forger.good()
    told: set[bytes] = set()
    opened: list[str] = []
    for remembered in (False, True):
        for name, token in corpus.items():
            for path in PATHS:
                if remembered:
                    assert (await running.get(path, honest)).status_code == 200, name
                    assert running.app.rooms.identity.verify_now(honest.encode()) is not None
                for _ in range(2):  # what was refused is not remembered as held
                    answer = await running.get(path, token)
                    if answer.status_code != 401:
                        opened.append(f"{name}: {answer.status_code}")
                    told.add(running.told(answer))
    assert opened == []
    # One text for all of them: what is wrong with a token is nothing that its bearer should learn.
    assert len(told) == 1, told


async def test_the_forger_makes_tokens_that_hold_where_nothing_is_wrong_with_them(running: Running) -> None:
    """Otherwise every refusal above could be for another reason than the one named."""
    forger = await running.forger()
    for token in (forger.good(), forger.signed(forger.header(), forger.claims(jti="another", extra={"a": [1]}))):
        for path in PATHS:
            assert (await running.get(path, token)).status_code == 200
    head, body, _ = (await running.sign_in()).split(".")
    assert orjson.loads(unb64(head)) == forger.header()
    assert head == b64(orjson.dumps(forger.header()))
    assert orjson.loads(unb64(body)).keys() >= {
        "iss",
        "aud",
        "exp",
        "iat",
        "nbf",
        "jti",
        "sid",
        "sub",
        "tid",
        "client_id",
    }


async def test_bytes_that_no_header_should_carry_open_nothing(running: Running) -> None:
    honest = (await running.forger()).good().encode()
    for raw in (
        b"Bearer " + honest + b"\x00",
        b"Bearer " + honest + b"\xc3\xa9",
        b"Bearer \xef\xbb\xbf" + honest,
        b"Bearer " + honest[:40] + b" " + honest[40:],
        b"Bearer " + honest[:40] + b"\t" + honest[40:],
        b"Bearer " + honest + b"\x0b",
        b"Bearer " + honest + b"\xa0",
        b"Bearer\xa0" + honest,
        b"Bearer",
        b"Bearer ",
        b"Bearer" + honest,
        b"Token " + honest,
        b"Basic " + honest,
    ):
        for path in PATHS:
            answer = await running.client.get(path, headers=[(b"authorization", raw)])
            assert answer.status_code == 401, (raw[:12], raw[-8:])
    twice = [(b"authorization", b"Bearer " + honest)] * 2
    assert (await running.client.get(PATHS[0], headers=twice)).status_code == 401


async def test_a_token_is_read_from_the_authorization_header_and_nowhere_else(running: Running) -> None:
    honest = (await running.forger()).good()
    for path in PATHS:
        for place in (f"{path}?access_token={honest}", f"{path}?token={honest}"):
            assert (await running.client.get(place)).status_code in (400, 401)
        for name in ("x-access-token", "cookie", "proxy-authorization", "x-authorization"):
            value = f"access_token={honest}" if name == "cookie" else f"Bearer {honest}"
            assert (await running.client.get(path, headers={name: value})).status_code == 401


async def test_a_remembered_token_ends_with_its_own_end(running: Running) -> None:
    token = (await running.forger()).good()
    assert (await running.get(PATHS[0], token)).status_code == 200
    running.clock.advance(601)
    await running.app.rooms.identity.revocations.poll()
    assert (await running.get(PATHS[0], token)).status_code == 401


async def test_the_key_set_is_kept_by_its_readers_and_answers_304(running: Running) -> None:
    first = await running.client.get("/.well-known/jwks.json")
    assert first.headers["cache-control"] == "public, max-age=300"
    again = {"if-none-match": first.headers["etag"]}
    assert (await running.client.get("/.well-known/jwks.json", headers=again)).status_code == 304
    await running.app.rooms.identity.keys.rotate()
    changed = await running.client.get("/.well-known/jwks.json", headers=again)
    assert (changed.status_code, len(changed.json()["keys"])) == (200, 2)
    assert all(set(key) <= {"kty", "crv", "x", "y", "n", "e", "kid", "use", "alg"} for key in changed.json()["keys"])
