"""Access tokens by client credentials: asked for once, kept while they are good, renewed in time and on a 401."""

import asyncio
import base64
from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from mainstay.base.secret import Secret
from mainstay.outbound import AnswerRefused, Outbound, ServiceAway, ServiceOptions, TokenOptions
from tests.rooms.identity.clock import WoundClock
from tests.rooms.outbound.loopback import Asked, Loopback, answer, as_json, loopback

SECRET = "se:cret/ü"


class Issuer:
    """Gives numbered tokens, and lets through whoever shows one of `good`."""

    def __init__(self) -> None:
        self.made = 0
        self.lifetime: object = 3600
        self.good: set[str] | None = None
        self.slow = 0.0

    async def __call__(self, asked: Asked) -> bytes:
        if asked.target == "/token":
            await asyncio.sleep(self.slow)
            self.made += 1
            told = {"access_token": f"token-{self.made}", "token_type": "bearer", "expires_in": self.lifetime}
            return as_json({name: value for name, value in told.items() if value is not None})
        shown = asked.headers.get("authorization", "").removeprefix("Bearer ")
        return as_json(shown, 200 if self.good is None or shown in self.good else 401)


def outbound_to(server: Loopback, clock: WoundClock, **options: object) -> Outbound:
    token = TokenOptions(f"{server.url}/token", "our app", Secret(SECRET), scope="a b", audience="api")
    service = ServiceOptions(base_url=f"{server.url}/api", token=replace(token, **options), backoff=0.001)  # type: ignore[arg-type]  # each test its own
    return Outbound({"graph": service}, clock=clock)


async def test_many_that_need_a_token_at_once_ask_for_one() -> None:
    issuer, clock = Issuer(), WoundClock()
    issuer.slow = 0.05
    async with loopback(issuer) as server:
        outbound = outbound_to(server, clock)
        found = await asyncio.gather(*(outbound.client("graph").get("/me") for _ in range(20)))
        assert {each.json() for each in found} == {"token-1"}
        assert issuer.made == 1
        assert outbound.figures()["graph"].tokens == 1
        await outbound.close()


async def test_the_first_that_asks_may_give_up_without_harm_to_the_others() -> None:
    issuer, clock = Issuer(), WoundClock()
    issuer.slow = 0.1
    async with loopback(issuer) as server:
        outbound = outbound_to(server, clock)
        first = asyncio.create_task(outbound.client("graph").get("/me"))
        await asyncio.sleep(0.02)
        second = asyncio.create_task(outbound.client("graph").get("/me"))
        await asyncio.sleep(0.02)
        first.cancel()
        assert (await second).json() == "token-1"
        await outbound.close()


async def test_a_token_is_renewed_shortly_before_it_expires() -> None:
    issuer, clock = Issuer(), WoundClock()
    async with loopback(issuer) as server:
        outbound = outbound_to(server, clock)
        client = outbound.client("graph")
        await client.get("/me")
        clock.advance(3600 - 61)
        assert (await client.get("/me")).json() == "token-1"
        clock.advance(2)
        assert (await client.get("/me")).json() == "token-2"
        await outbound.close()


@pytest.mark.parametrize(("lifetime", "good_for"), [(30, 15), ("3600", 3540), (None, 240), ("soon", 240), (-5, 0)])
async def test_lifetimes_that_are_short_odd_or_unstated(lifetime: object, good_for: int) -> None:
    issuer, clock = Issuer(), WoundClock()
    issuer.lifetime = lifetime
    async with loopback(issuer) as server:
        outbound = outbound_to(server, clock)
        client = outbound.client("graph")
        await client.get("/me")
        if good_for:
            clock.advance(good_for - 1)
            await client.get("/me")
            assert issuer.made == 1
            clock.advance(2)
            await client.get("/me")
            assert issuer.made == 2
        await outbound.close()


async def test_a_401_renews_once_and_of_many_one() -> None:
    issuer, clock = Issuer(), WoundClock()
    async with loopback(issuer) as server:
        outbound = outbound_to(server, clock)
        client = outbound.client("graph")
        await client.get("/me")
        clock.advance(10)
        issuer.good = {"token-2"}
        found = await asyncio.gather(*(client.post("/me", json={}) for _ in range(10)))
        assert {each.json() for each in found} == {"token-2"}
        assert issuer.made == 2
        issuer.good = set()
        clock.advance(10)
        before = len(server.asked)
        assert (await client.get("/me")).status_code == 401
        assert len(server.asked) - before == 3  # the call, a new token, the call again
        # A service that refuses whatever it is shown doesn't have us ask the issuer every time.
        assert (await client.get("/me")).status_code == 401
        assert issuer.made == 3
        await outbound.close()


async def test_the_client_proves_itself_in_a_header_or_in_the_form() -> None:
    issuer, clock = Issuer(), WoundClock()
    async with loopback(issuer) as server:
        for how in ("basic", "form"):
            outbound = outbound_to(server, clock, authentication=how)
            await outbound.client("graph").get("/me")
            await outbound.close()
        basic, form = (each for each in server.asked if each.target == "/token")
        assert base64.b64decode(basic.headers["authorization"].split()[1]) == b"our+app:se%3Acret%2F%C3%BC"
        shown = {name: values[0] for name, values in parse_qs(form.body.decode()).items()}
        assert shown == {
            "grant_type": "client_credentials",
            "scope": "a b",
            "audience": "api",
            "client_id": "our app",
            "client_secret": SECRET,
        }
        assert "authorization" not in form.headers


async def test_an_issuer_that_refuses_or_babbles_is_told_without_secrets() -> None:
    clock = WoundClock()
    async with loopback() as server:
        outbound = outbound_to(server, clock)
        server.script = lambda _: as_json({"error": "invalid_client", "error_description": SECRET}, 401)
        with pytest.raises(ServiceAway) as refused:
            await outbound.client("graph").get("/me")
        assert "invalid_client" in str(refused.value.fix)
        assert SECRET not in f"{refused.value.fix}{refused.value}"
        for babble in (
            as_json({"access_token": "a\nb"}),
            as_json([1]),
            answer(200, b"<html>"),
            as_json({"token": "x"}),
        ):
            server.script = lambda _, babble=babble: babble  # type: ignore[misc]  # bound here
            with pytest.raises(AnswerRefused):
                await outbound.client("graph").get("/me")
        assert all(each.target == "/token" for each in server.asked)
        await outbound.close()


async def test_a_passing_refusal_of_the_issuer_is_tried_again() -> None:
    clock, tries = WoundClock(), iter([answer(503), answer(503)])
    issuer = Issuer()
    async with loopback(lambda asked: next(tries, None) or issuer(asked)) as server:
        outbound = outbound_to(server, clock)
        assert (await outbound.client("graph").get("/me")).json() == "token-1"
        await outbound.close()
