"""What issuers publish: fetched when needed, kept for a while, and not asked for again and again."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from joserfc.jwk import ECKey

from mainstay.identity.federation import Provider
from mainstay.identity.federation.errors import ProviderAway
from mainstay.identity.federation.upstream.issuers import Issuers
from tests.rooms.identity.clock import WoundClock

PROVIDER = Provider("corp", "https://issuer.example", "us")


class Said:
    """An answer, as the port has it."""

    def __init__(self, status: int, told: Any) -> None:
        self.status, self.headers, self.body = status, dict[str, str](), json.dumps(told).encode()

    def json(self) -> Any:
        return json.loads(self.body)


class Site:
    """What is published where, and what was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.keys = [new_key("one")]
        self.slow = 0.0

    async def __call__(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        trusting: str | None = None,
    ) -> Said:
        self.asked.append(url)
        await asyncio.sleep(self.slow)
        if url.endswith("/keys"):
            return Said(self.status, {"keys": [{**key.as_dict(private=False), "kid": key.kid} for key in self.keys]})
        names = ("authorization_endpoint", "token_endpoint")
        told = {name: f"https://issuer.example/{name}" for name in names}
        return Said(
            self.status, {**told, "issuer": "https://issuer.example", "jwks_uri": "https://issuer.example/keys"}
        )


def new_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid}, private=True)


async def test_metadata_and_keys_are_fetched_once_for_many_and_again_after_an_hour() -> None:
    site, clock = Site(), WoundClock()
    site.slow = 0.01
    issuers = Issuers(site, clock)
    found = await asyncio.gather(*(issuers.key(PROVIDER, "one", "ES256") for _ in range(20)))
    assert all(each is not None and each.kid == "one" for each in found)
    assert len(site.asked) == 2
    clock.advance(3601)
    await issuers.key(PROVIDER, "one", "ES256")
    assert len(site.asked) == 4


async def test_a_key_that_is_new_is_found_and_unknown_ones_do_not_make_us_ask_all_the_time() -> None:
    site, clock = Site(), WoundClock()
    issuers = Issuers(site, clock)
    await issuers.key(PROVIDER, "one", "ES256")
    site.keys.append(new_key("two"))
    clock.advance(11)
    assert await issuers.key(PROVIDER, "two", "ES256") is not None
    before = len(site.asked)
    for _ in range(10):
        assert await issuers.key(PROVIDER, "three", "ES256") is None
    assert len(site.asked) == before


async def test_a_key_is_used_for_what_it_is_for_alone() -> None:
    site = Site()
    site.keys = [
        ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}, private=True),
        ECKey.generate_key("P-256", {"kid": "other", "alg": "ES384"}, private=True),
    ]
    issuers = Issuers(site, WoundClock())
    assert await issuers.key(PROVIDER, "enc", "ES256") is None
    assert await issuers.key(PROVIDER, "other", "ES256") is None
    assert await issuers.key(PROVIDER, "other", "RS256") is None


async def test_what_was_known_is_used_while_the_issuer_is_away() -> None:
    site, clock = Site(), WoundClock()
    issuers = Issuers(site, clock)
    await issuers.key(PROVIDER, "one", "ES256")
    site.status = 503
    clock.advance(3601)
    assert await issuers.key(PROVIDER, "one", "ES256") is not None


async def test_an_issuer_that_is_away_is_asked_once_in_a_while() -> None:
    site, clock = Site(), WoundClock()
    site.status = 503
    issuers = Issuers(site, clock)
    for _ in range(5):
        with pytest.raises(ProviderAway):
            await issuers.metadata(PROVIDER)
    assert len(site.asked) == 1
    clock.advance(6)
    site.status = 200
    assert (await issuers.metadata(PROVIDER)).issuer == "https://issuer.example"
