"""Tokens of other issuers: those declared, for whom they were linked to, and nothing else."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from mainstay.base.errors import Conflict, NotFound
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.forged import b64, spell
from tests.rooms.identity.issuer import ISSUER, RSA, SECRET, SMALL_EC, KeySetServer, key_set_server, public, token
from tests.rooms.identity.library import ADA, BOB, PASSWORD, Running, library

PATHS = ("/api/v1/folios", "/auth/me")
SYMMETRIC = OctKey.import_key(SECRET)
OLD_APP = {"issuer": ISSUER, "audiences": ["shop"], "algorithms": ["HS256"], "secret": SECRET, "types": ["JWT", ""]}
CLOUD = "https://login.cloud.example/v2.0"


def cloud(url: str, **more: Any) -> dict[str, Any]:
    return {"issuer": CLOUD, "audiences": ["api://shop"], "algorithms": ["RS256", "ES256"], "key_set_url": url, **more}


@pytest.fixture
def clock() -> WoundClock:
    return WoundClock()


@pytest.fixture
async def served() -> AsyncIterator[KeySetServer]:
    async with key_set_server(public(RSA, "r1"), public(SMALL_EC, "e1")) as server:
        yield server


class People:
    """Ada and Bob, and claims that speak for subject 4711."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.now = int(running.clock.now().timestamp())

    async def arrive(self) -> "People":
        identity = self.running.app.rooms.identity
        self.ada = (await identity.create_user(ADA, PASSWORD)).id
        self.bob = (await identity.create_user(BOB, PASSWORD)).id
        return self

    def claims(self, **changes: Any) -> dict[str, Any]:
        base = {"iss": ISSUER, "aud": "shop", "sub": "4711", "iat": self.now, "exp": self.now + 600} | changes
        return {name: value for name, value in base.items() if value is not ...}

    def old(self, **changes: Any) -> str:
        return token(SYMMETRIC, "HS256", self.claims(**changes), typ="JWT")

    def new(self, **changes: Any) -> str:
        return token(RSA, "RS256", self.claims(**({"iss": CLOUD, "aud": "api://shop"} | changes)), kid="r1")

    async def status(self, sent: str) -> set[int]:
        return {(await self.running.get(path, sent)).status_code for path in PATHS}


@pytest.fixture
async def old_app(urls: Urls, clock: WoundClock) -> AsyncIterator[People]:
    async with library(urls, clock, issuers={"old": OLD_APP}) as running:
        people = await People(running).arrive()
        await running.app.rooms.identity.foreign.link(ISSUER, "4711", people.ada)
        yield people


@pytest.fixture
async def with_cloud(urls: Urls, clock: WoundClock, served: KeySetServer) -> AsyncIterator[People]:
    async with library(urls, clock, issuers={"cloud": cloud(served.url)}) as running:
        people = await People(running).arrive()
        await running.app.rooms.identity.foreign.link(CLOUD, "4711", people.ada)
        yield people


async def test_an_old_token_speaks_for_the_user_its_subject_is_linked_to(old_app: People) -> None:
    running, sent = old_app.running, old_app.old()
    answer = await running.get("/auth/me", sent)
    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == str(old_app.ada)
    assert await old_app.status(sent) == {200}
    # It is remembered like a token of ours: a warm request does no I/O.
    verified = running.app.rooms.identity.verify_now(sent.encode())
    assert verified is not None
    assert (verified.user_id, verified.session_id, verified.issuer) == (old_app.ada, None, ISSUER)
    # And our own still hold beside it.
    assert await old_app.status(await running.sign_in()) == {200}


async def test_nobody_is_known_by_an_address_only_by_issuer_and_subject(old_app: People) -> None:
    assert await old_app.status(old_app.old(sub="4712", email=ADA, email_verified=True, preferred_username=ADA)) == {
        401
    }
    assert await old_app.status(old_app.old(sub=str(old_app.ada))) == {401}
    assert await old_app.status(old_app.old(sub="4711 ")) == {401}


async def test_what_needs_a_session_is_refused(old_app: People) -> None:
    """There is none of ours behind it that could be signed out, and no proof that its bearer is at a keyboard."""
    answer = await old_app.running.client.post("/auth/sign-out", headers={"authorization": f"Bearer {old_app.old()}"})
    assert answer.status_code == 403


async def test_shut_accounts_cut_links_and_ended_subjects_are_heard_like_any_revocation(
    old_app: People, clock: WoundClock
) -> None:
    identity, sent = old_app.running.app.rooms.identity, old_app.old()
    assert await old_app.status(sent) == {200}
    await identity.set_active(old_app.ada, False)
    assert identity.verify_now(sent.encode()) is None
    assert await old_app.status(sent) == {401}
    await identity.set_active(old_app.ada, True)
    assert await old_app.status(sent) == {200}
    clock.advance(5)
    await identity.foreign.end(ISSUER, "4711")
    await identity.revocations.poll()
    assert await old_app.status(sent) == {401}
    assert await old_app.status(old_app.old(iat=...)) == {401}  # nobody knows whether it is from before
    assert await old_app.status(old_app.old(iat=old_app.now + 6)) == {200}
    await identity.foreign.unlink(ISSUER, "4711")
    assert await old_app.status(old_app.old(iat=old_app.now + 6)) == {401}
    with pytest.raises(NotFound):
        await identity.foreign.unlink(ISSUER, "4711")


async def test_a_subject_is_one_user(old_app: People) -> None:
    foreign = old_app.running.app.rooms.identity.foreign
    with pytest.raises(Conflict):
        await foreign.link(ISSUER, "4711", old_app.bob)
    with pytest.raises(NotFound):
        await foreign.link(ISSUER, "nobody", UUID(int=5))
    assert [each.subject for each in await foreign.list(old_app.ada)] == ["4711"]
    assert await foreign.list(old_app.bob) == []


async def test_a_token_that_names_scopes_holds_those_of_ours_among_them(old_app: People) -> None:
    async def held(**changes: Any) -> set[str]:
        answer = await old_app.running.get("/auth/me", old_app.old(**changes))
        return set(answer.json()["scopes"])

    assert "folios:write" in await held()
    assert await held(scope="folios:read openid admin:write") == {"folios:read"}
    assert await held(scope=["folios:read"]) == {"folios:read"}
    assert await held(scope="") == set()
    assert await held(scope={"folios:read": True}) == set()


def refused_forms(people: People) -> dict[str, str]:
    """Tokens of the old app and of the issuer in the cloud that must not be accepted; both are declared."""
    now, forms = people.now, {}
    rsa = RSA
    wrong: dict[str, tuple[Any, ...]] = {
        "iss": ("https://evil.example", ..., None, [ISSUER], ISSUER + "/", CLOUD, "mainstay"),
        "aud": ("billing", ..., None, [], ["billing"], "", {"aud": "shop"}, [["shop"]], "SHOP", "api://shop"),
        "sub": (..., None, 4711, "", "4712", ["4711"], "4711\x00", "x" * 256),
        "exp": (..., None, now, now - 1, str(now + 600), True, 10**30, -1, [now + 600]),
        "nbf": (now + 60, str(now), None, True),
        "iat": (now + 60, str(now), None, True),
        "nonce": ("n",), "at_hash": ("h",), "events": ({},), "cnf": ({"jkt": "x"},),
        "token_use": ("id",), "typ": ("ID", "Refresh"), "token_type": ("refresh",),
    }  # fmt: skip
    for name, values in wrong.items():
        for value in values:
            forms[f"{name} {str(value)[:40]!r}"] = people.old(**{name: value})
    old, new = people.claims(), people.claims(iss=CLOUD, aud="api://shop")
    kinds: tuple[Any, ...] = ("at+jwt", "id+jwt", "logout+jwt", 1, "JOSE")
    for kind in kinds:
        forms[f"typ {kind}"] = token(SYMMETRIC, "HS256", old, typ=kind)
    kinds = (..., "JWT", "id+jwt")
    for kind in kinds:
        forms[f"typ {kind} of the cloud"] = token(rsa, "RS256", new, kid="r1", typ=kind)
    for name in ("crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "cty"):
        value = {"crit": ["exp"], "jwk": public(rsa, "r1"), "b64": True}.get(name, "https://evil.example")
        head = spell({"alg": "HS256", "typ": "JWT", name: value, "exp": 1})
        forms[f"header {name}"] = hmac_signed(head, old, SECRET.encode())
    return forms | confused(people, old, new)


def confused(people: People, old: dict[str, Any], new: dict[str, Any]) -> dict[str, str]:
    """One issuer's keys and algorithms for the other's tokens, and spellings that readers could differ about."""
    rsa, pem = RSA, RSA.as_pem(private=False)
    mine = RSAKey.generate_key(2048, private=True)
    return {
        "alg none": f"{spell({'alg': 'none', 'typ': 'JWT'})}.{spell(old)}.",
        "alg none with a signature": f"{spell({'alg': 'none', 'typ': 'JWT'})}.{spell(old)}.{'A' * 43}",
        "HS256 under the public key's PEM": hmac_signed(
            spell({"alg": "HS256", "typ": "at+jwt", "kid": "r1"}), new, pem
        ),
        "HS256 of the old app for the cloud": token(SYMMETRIC, "HS256", new, kid="r1"),
        "HS256 of the old app for the cloud, no kid": token(SYMMETRIC, "HS256", new),
        "RS256 of the cloud for the old app": token(rsa, "RS256", old, typ="JWT"),
        "RS256 of the cloud for the old app, kid": token(rsa, "RS256", old, kid="r1", typ="JWT"),
        "RS256 by the name of an EC key": token(rsa, "RS256", new, kid="e1"),
        "ES256 by the name of an RSA key": token(SMALL_EC, "ES256", new, kid="r1"),
        "RS512, which was not declared": token(rsa, "RS512", new, kid="r1"),
        "PS256, which was not declared": token(rsa, "PS256", new, kid="r1"),
        "no kid where there are two keys": token(rsa, "RS256", new),
        "kid a number": token(rsa, "RS256", new, kid=1),  # type: ignore[arg-type]  # that is what is tested
        "our kid, another's key": token(mine, "RS256", new, kid="r1"),
        "another's kid and key": token(mine, "RS256", new, kid="r9"),
        "HS512, which was not declared": token(OctKey.import_key(SECRET * 2), "HS512", old, typ="JWT"),
        "another secret": token(OctKey.import_key(SECRET[::-1]), "HS256", old, typ="JWT"),
        "the secret with a blank": token(OctKey.import_key(SECRET + " "), "HS256", old, typ="JWT"),
        "claims twice": hmac_signed(
            spell({"alg": "HS256", "typ": "JWT"}),
            json.dumps(old).replace("{", '{"sub":"4712",', 1).encode(),
            SECRET.encode(),
        ),
        "alg twice": hmac_signed(spell(b'{"alg":"none","alg":"HS256","typ":"JWT"}'), old, SECRET.encode()),
        "nested too deeply": hmac_signed(spell(b"[" * 2000), old, SECRET.encode()),
        "claims nested too deeply": hmac_signed(spell({"alg": "HS256", "typ": "JWT"}), b'{"a":' * 900, SECRET.encode()),
        "too long": people.old(jti="x" * 9000),
        "padded": people.old() + "=",
        "a body of somebody else": swapped(people.old(), spell(people.claims(sub="4712"))),
        "a signature in the other alphabet": people.old()[:-2] + "+/",
    }


def hmac_signed(head: str, claims: Any, secret: bytes) -> str:
    text = f"{head}.{spell(claims)}"
    return f"{text}.{b64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def swapped(sent: str, body: str) -> str:
    head, _, signature = sent.split(".")
    return f"{head}.{body}.{signature}"


async def test_no_other_form_is_accepted_and_all_are_told_the_same(
    urls: Urls, clock: WoundClock, served: KeySetServer
) -> None:
    async with library(urls, clock, issuers={"old": OLD_APP, "cloud": cloud(served.url)}) as running:
        people = await People(running).arrive()
        for issuer in (ISSUER, CLOUD):
            await running.app.rooms.identity.foreign.link(issuer, "4711", people.ada)
        forms = refused_forms(people)
        assert len(forms) >= 60
        assert await people.status(people.old()) == await people.status(people.new()) == {200}
        told, opened = set(), []
        for name, sent in forms.items():
            answer = await running.get(PATHS[0], sent)
            told.add(running.told(answer))
            opened += [] if answer.status_code == 401 else [f"{name}: {answer.status_code}"]
        assert opened == []
        assert len(told) == 1, told
        assert await people.status(people.old()) == await people.status(people.new()) == {200}


async def test_keys_are_fetched_once_and_again_for_a_new_kid_but_not_as_often_as_strangers_like(
    with_cloud: People, served: KeySetServer, clock: WoundClock
) -> None:
    assert await with_cloud.status(with_cloud.new()) == {200}
    assert await with_cloud.status(
        token(SMALL_EC, "ES256", with_cloud.claims(iss=CLOUD, aud=["x", "api://shop"]), kid="e1")
    ) == {200}
    assert served.asked == 1
    newer = RSAKey.generate_key(2048, private=True)
    served.keys.append(public(newer, "r2"))
    clock.advance(11)
    sent = token(newer, "RS256", with_cloud.claims(iss=CLOUD, aud="api://shop"), kid="r2")
    assert await with_cloud.status(sent) == {200}
    assert served.asked == 2
    for kid in range(20):
        stranger = token(newer, "RS256", with_cloud.claims(iss=CLOUD, aud="api://shop"), kid=f"stranger-{kid}")
        assert await with_cloud.status(stranger) == {401}
    assert served.asked == 2


async def test_a_key_that_the_issuer_takes_back_is_believed_no_more(
    with_cloud: People, served: KeySetServer, clock: WoundClock
) -> None:
    identity, sent = with_cloud.running.app.rooms.identity, with_cloud.new(exp=with_cloud.now + 86_400)
    assert await with_cloud.status(sent) == {200}
    del served.keys[0]
    clock.advance(601)  # no token is remembered for longer than keys are fresh
    await identity.revocations.poll()
    assert identity.verify_now(sent.encode()) is None
    assert await with_cloud.status(sent) <= {200, 401}  # known keys serve while new ones are fetched beside
    _, keys = identity.foreign._issuers[CLOUD]
    assert keys._fetching is not None
    await keys._fetching
    assert await with_cloud.status(sent) == {401}


async def test_an_issuer_that_is_away_is_believed_from_memory_for_a_day_and_not_longer(
    with_cloud: People, served: KeySetServer, clock: WoundClock
) -> None:
    long = with_cloud.new(exp=with_cloud.now + 7 * 86_400)
    assert await with_cloud.status(long) == {200}
    served.status = 500
    clock.advance(86_000)
    assert await with_cloud.status(long) == {200}
    clock.advance(1000)
    assert await with_cloud.status(long) == {503}
    served.status = 200
    clock.advance(11)
    assert await with_cloud.status(long) == {200}


async def test_an_issuer_that_was_never_reached_opens_nothing(with_cloud: People, served: KeySetServer) -> None:
    served.status = 404
    assert await with_cloud.status(with_cloud.new()) == {503}
    answer = await with_cloud.running.get(PATHS[0], with_cloud.new())
    assert answer.headers["retry-after"] == "10"
    assert served.asked == 1  # and is not called by every request


@pytest.mark.parametrize(
    "keys",
    [
        [public(RSA, "r1", use="enc")],
        [public(RSA, "r1", key_ops=["encrypt"])],
        [public(RSA, "r1", alg="RS512")],
        [public(RSA, "r1"), public(RSAKey.generate_key(2048), "r1")],
        [{"kty": "oct", "k": b64(SECRET.encode()), "kid": "r1"}],
        [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "r1"}],
        [{"kty": "RSA", "kid": "r1"}, "r1", None, {"kty": "EC", "crv": "P-256", "x": 1, "y": [], "kid": "r1"}],
        [{**public(RSA, "r1"), "kid": ["r1"]}],
    ],
    ids=[
        "for encryption",
        "not to verify",
        "another algorithm",
        "two of one kid",
        "a secret",
        "small",
        "malformed",
        "kid a list",
    ],
)
async def test_keys_of_a_set_that_are_not_to_verify_with_verify_nothing(
    sqlite_urls: Urls, clock: WoundClock, served: KeySetServer, keys: list[Any]
) -> None:
    served.keys = [*keys, public(ECKey.generate_key("P-256"), "other")]
    async with library(sqlite_urls, clock, issuers={"cloud": cloud(served.url)}) as running:
        people = await People(running).arrive()
        await running.app.rooms.identity.foreign.link(CLOUD, "4711", people.ada)
        assert await people.status(people.new()) == {401}


async def test_guests_hold_what_the_operator_mapped_and_are_somebody_that_lasts(
    urls: Urls, clock: WoundClock, served: KeySetServer
) -> None:
    mapped = cloud(served.url, guests=True, guest_roles=["visitor"], roles={"Shop.Staff": "moderator"})
    async with library(urls, clock, issuers={"cloud": mapped}) as running:
        people = await People(running).arrive()
        verified = []
        for roles in ([], ["admin", "Shop.Staff"], "admin", {"admin": 1}):
            sent = people.new(roles=roles)
            assert (await running.get(PATHS[0], sent)).status_code == 200
            found = await running.app.rooms.identity.verify(sent.encode())
            verified.append((found.user_id, found.roles))
        assert [each[1] for each in verified] == [
            frozenset({"visitor"}), frozenset({"visitor", "moderator"}), frozenset({"visitor"}), frozenset({"visitor"})
        ]  # fmt: skip
        assert len({each[0] for each in verified}) == 1
        other = await running.app.rooms.identity.verify(people.new(sub="4712").encode())
        assert other.user_id not in {verified[0][0], people.ada}
        # Once linked, the same subject is the user, in every process.
        await running.app.rooms.identity.foreign.link(CLOUD, "4711", people.ada)
        assert (await running.get("/auth/me", people.new())).json()["id"] == str(people.ada)


async def test_a_token_that_is_bound_to_another_tenant_s_header_opens_nothing(
    sqlite_urls: Urls, clock: WoundClock, served: KeySetServer
) -> None:
    guests = cloud(served.url, guests=True, guest_roles=["visitor"])
    async with library(sqlite_urls, clock, issuers={"cloud": guests}, tenant_from="header") as running:
        people = await People(running).arrive()
        acme = await running.app.rooms.tenancy.create("Acme")
        for tenant, status in (("default", 200), (None, 200), ("acme", 404), (str(acme.id), 404), ("nowhere", 404)):
            headers = {"authorization": f"Bearer {people.new()}"} | ({} if tenant is None else {"x-tenant-id": tenant})
            assert (await running.client.get(PATHS[0], headers=headers)).status_code == status, tenant
