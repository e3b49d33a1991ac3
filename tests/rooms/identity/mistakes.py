"""Mistakes that others made, tried on this room: with every guard in place, and without the one that stops each.

Run as a program in a process of its own (`python -m tests.rooms.identity.mistakes <database url>`), as `mutants` is.
Prints one JSON object: for each mistake whether it is open with the guard, and without.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from mainstay.base.errors import MainstayError
from mainstay.identity.accounts import AccountOptions
from mainstay.identity.credentials import AttemptOptions, Pace, PasswordHashing
from mainstay.identity.credentials.device_token import DeviceTokens
from mainstay.identity.credentials.forms import form_of, nobodys
from mainstay.identity.federation.finish_sign_in import _spend
from mainstay.identity.federation.make_account import make_account
from mainstay.identity.federation.options import Provider
from mainstay.identity.federation.pending import Pending, cookie_of, fresh, keep, take
from mainstay.identity.federation.return_to import require_return
from mainstay.identity.federation.upstream.id_token import verify_id_token
from mainstay.identity.federation.upstream.issuers import Metadata
from mainstay.identity.federation.upstream.person import Person
from mainstay.outbound.addresses import is_open
from mainstay.outbound.locations import locate
from mainstay.web.cors import CorsRule
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.federation.hostile import KEY, HostileIssuer
from tests.rooms.identity.mutants import replaced
from tests.rooms.identity.rooms import CHEAP, MASTER, PASSWORD, Rooms, house

ADA, WAITING = "ada@example.org", "waiting@example.org"
STEADY = 0.3
UP = Provider("up", "https://up.example", "us")
ROOM = "mainstay.identity"
FEDERATION = f"{ROOM}.federation"
Attack = Callable[["Ground"], Awaitable[Any]]


@dataclass
class Ground:
    """Where it is tried. What an attack answers is whether it got through; a refusal is that it did not."""

    rooms: Rooms
    clock: WoundClock
    issuer: HostileIssuer

    @property
    def desk(self) -> Any:
        return self.rooms.identity.federation._desk


def begun(on: Ground, **changes: Any) -> Pending:
    """A sign-in with others that somebody's browser has begun."""
    expires = on.clock.now().timestamp() + 600
    pending = Pending("up", fresh(), fresh(), fresh(), "/", "https://us.example/callback", expires)
    return replace(pending, **changes)


def taken(on: Ground, pending: Pending, state: str, provider: str = "up") -> bool:
    kept = keep(pending, on.desk.pending)
    headers = [(b"cookie", cookie_of(pending.state, True).set(kept).partition(";")[0].encode())]
    take(headers, state, provider, on.clock.now(), on.desk.pending, secure=True)
    return True


async def other_state(on: Ground) -> bool:
    pending = begun(on)
    return taken(on, pending, pending.state[:12] + fresh()[12:])


async def other_provider(on: Ground) -> bool:
    pending = begun(on)
    return taken(on, pending, pending.state, "other")


async def late(on: Ground) -> bool:
    pending = begun(on, expires=on.clock.now().timestamp() - 1)
    return taken(on, pending, pending.state)


async def twice(on: Ground) -> bool:
    pending = begun(on)
    await _spend(on.desk, pending)
    await _spend(on.desk, pending)
    return True


def of_issuer(**changes: Any) -> Attack:
    """An id_token that is right but for these claims; `forged` is signed by somebody else."""

    async def attack(on: Ground) -> bool:
        forged = changes.get("forged", False)
        now = int(on.clock.now().timestamp())
        right = {"iss": UP.issuer, "aud": UP.client_id, "sub": "them", "nonce": "n", "iat": now, "exp": now + 300}
        token = on.issuer.sign({**right, **{name: value for name, value in changes.items() if name != "forged"}})
        if forged:
            head, body, _ = token.split(".")
            token = f"{head}.{body}." + on.issuer.sign({"other": True}).split(".")[2]
        metadata = Metadata(UP.issuer, "", "", None, None, False, ("ES256",))

        async def known(provider: Provider) -> Metadata:
            return metadata

        async def key(provider: Provider, kid: str | None, algorithm: str) -> Any:
            return KEY

        issuers: Any = SimpleNamespace(metadata=known, key=key)
        await verify_id_token(issuers, UP, token, nonce="n", now=on.clock.now(), access_token=None, code="c")
        return True

    return attack


def sent_to(address: str) -> Attack:
    async def attack(on: Ground) -> bool:
        return bool(require_return(address, frozenset({"https://app.example"})))

    return attack


async def account_by_address(on: Ground) -> bool:
    """Somebody elsewhere says that an address is theirs, and nobody has proved it."""
    await make_account(on.desk, UP, Person(UP.issuer, uuid4().hex, f"{uuid4().hex}@example.org", False, None), {})
    return True


async def every_origin(on: Ground) -> bool:
    return bool(CorsRule(("*",), credentials=True))


async def inner_address(on: Ground) -> bool:
    return is_open(ip_address("169.254.169.254"))


async def user_in_address(on: Ground) -> bool:
    return bool(locate("http://shop.example@127.0.0.1/"))


async def flood(on: Ground) -> bool:
    hashing = PasswordHashing(replace(CHEAP, queue=2, threads=1, patience=0.0))
    try:
        found = await asyncio.gather(*(hashing.hash(PASSWORD) for _ in range(20)), return_exceptions=True)
    finally:
        hashing.close()
    return not any(isinstance(each, BaseException) for each in found)


async def cheaper_for_nobody(on: Ground) -> bool:
    """Whether an unknown name costs other comparisons than one with an imported hash."""
    hashing: Any = on.rooms.identity._room.hashing
    costs, compare = [], hashing._is_right
    for name in (ADA, "old@example.org", "nobody@example.org"):
        compared: list[Any] = []
        hashing._is_right = lambda stored, typed, found=compared: (
            found.append(form_of(stored)) or compare(stored, typed)
        )
        try:
            await on.rooms.identity.sign_in(name, "wrong horse", client_address=uuid4().hex)
        except MainstayError:
            costs.append(sorted(map(str, compared)))
        finally:
            del hashing._is_right
    return costs[0] != costs[1] or costs[1] != costs[2]


async def unconfirmed(on: Ground) -> bool:
    return bool(await on.rooms.identity.sign_in(WAITING, PASSWORD, client_address=uuid4().hex))


async def quicker_for_nobody(on: Ground) -> bool:
    took = []
    for _ in range(2):
        started = time.perf_counter()
        await on.rooms.identity.accounts.ask_for_reset(f"{uuid4().hex}@example.org", uuid4().hex)
        took.append(time.perf_counter() - started)
    return min(took) < STEADY


async def guesses(on: Ground) -> bool:
    refused = []
    for _ in range(5):
        try:
            await on.rooms.identity.sign_in("guessed@example.org", "wrong horse", client_address="192.0.2.66")
        except MainstayError as error:
            refused.append(type(error).__name__)
    return "TooManyRequests" not in refused


async def device_of_somebody_else(on: Ground) -> bool:
    tokens = DeviceTokens(MASTER, on.clock, 90)
    return tokens.device_of(uuid4(), tokens.give(uuid4(), None)) is not None


async def letter_without_its_code(on: Ground) -> bool:
    request = await on.rooms.identity.accounts.ask_for_sign_in(ADA, uuid4().hex)
    return bool(await on.rooms.identity.accounts.sign_in_by_mail(request, "not the code"))


# The mistake, the module that has the guard, its source, the source without it, and who tries.
MISTAKES: dict[str, tuple[str, str, str, Attack]] = {
    "a state of another browser": (
        f"{FEDERATION}.pending", "hmac.compare_digest(pending.state, state)", "True", other_state,
    ),
    "an answer of another provider": (
        f"{FEDERATION}.pending", "pending.provider == provider", "True", other_provider,
    ),
    "a sign-in that was begun long ago": (
        f"{FEDERATION}.pending", "now.timestamp() >= pending.expires", "False", late,
    ),
    "a callback that was used": (
        f"{FEDERATION}.finish_sign_in", "except errors.UniqueClash:\n        raise PendingRefused from None",
        "except errors.UniqueClash:\n        pass", twice,
    ),
    "an id_token that nobody signed": (
        f"{FEDERATION}.upstream.id_token", "jws.deserialize_compact(token, key, algorithms=[algorithm])",
        "jws.extract_compact(token.encode())", of_issuer(forged=True),
    ),
    "an id_token of another issuer": (
        f"{FEDERATION}.upstream.id_token",
        'claims.get("iss") != expected_issuer(provider, metadata, claims.get("tid"))', "False",
        of_issuer(iss="https://evil.example"),
    ),
    "an id_token for another client": (
        f"{FEDERATION}.upstream.id_token", "_for_us(claims, provider.client_id)", "pass", of_issuer(aud="them"),
    ),
    "an id_token of long ago": (
        f"{FEDERATION}.upstream.id_token", "_of_now(claims, now.timestamp())", "pass", of_issuer(exp=1),
    ),
    "an id_token of another sign-in": (
        f"{FEDERATION}.upstream.id_token",
        'not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())', "False",
        of_issuer(nonce="other"),
    ),
    "an address that nobody has proved": (
        f"{FEDERATION}.make_account", "person.email is None or not person.email_proved", "False", account_by_address,
    ),
    "being sent to another host": (
        f"{FEDERATION}.return_to", 'text.startswith("//")', "False", sent_to("//evil.example"),
    ),
    "being sent where a browser reads a backslash": (
        f"{FEDERATION}.return_to", "_PLAIN.fullmatch(text) is None", "False", sent_to("/\\evil.example"),
    ),
    "being sent to an origin that nobody named": (
        f"{FEDERATION}.return_to", "origin[0] not in origins", "False", sent_to("https://evil.example/"),
    ),
    "being sent to a host behind a user's name": (
        f"{FEDERATION}.return_to", '(rest and rest[0] not in "/?#")', "False",
        sent_to("https://app.example@evil.example/"),
    ),
    "every origin, with cookies": (
        "mainstay.web.cors.rules", "self.credentials and ANY in (*origins, *self.exposed)", "False", every_origin,
    ),
    "a call to an address within": (
        "mainstay.outbound.addresses", "not any(address in network for network in _CLOSED_4)", "True", inner_address,
    ),
    "a call to a host behind a user's name": (
        "mainstay.outbound.locations", '"@" in re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]', "False",
        user_in_address,
    ),
    "hashing without bound": (
        f"{ROOM}.credentials.hashing", "self._under_way >= self._limit", "False", flood,
    ),
    "another time for nobody": (
        f"{ROOM}.credentials.hashing", "sorted({self._form, *forms} - {spent})", "()", cheaper_for_nobody,
    ),
    "an address that is not confirmed": (
        f"{ROOM}.sessions.prove_password", "secret if _may_enter(room, active, verified_at) else None", "secret",
        unconfirmed,
    ),
    "a letter's route that is quicker for nobody": (
        f"{ROOM}.accounts.by_mail.steady", "if left > 0:", "if False:", quicker_for_nobody,
    ),
    "guesses without end": (
        f"{ROOM}.credentials.throttle", "if wait > 0:\n            return wait", "", guesses,
    ),
    "a device of somebody else": (
        f"{ROOM}.credentials.device_token",
        "hmac.compare_digest(_signed(key, user_id, number), signature)", "True", device_of_somebody_else,
    ),
    "a letter's session without its code": (
        f"{ROOM}.accounts.by_mail.sign_in_by_mail", "user_id is None or not (by_code or by_link)", "user_id is None",
        letter_without_its_code,
    ),
}  # fmt: skip


async def tried(on: Ground, attack: Attack) -> bool:
    try:
        return bool(await attack(on))
    except MainstayError:
        return False


async def run(url: str) -> dict[str, tuple[bool, bool]]:
    """Whether each got through with its guard, and without."""
    clock = WoundClock()
    async with house(Urls(url, url, "sqlite"), clock) as built:
        attempts = AttemptOptions(proofs=Pace(3, 60.0, 60.0, 600.0))
        accounts = AccountOptions(verified=True, steady_seconds=STEADY)
        rooms = await built.open(attempts=attempts, accounts=accounts)
        await rooms.identity.create_user(ADA, PASSWORD)
        brought = {"email": "old@example.org", "password_hash": nobodys("bcrypt$04")}
        await rooms.identity.accounts.import_user(brought)
        hashing = PasswordHashing(CHEAP)
        waiting = {"email": WAITING, "password_hash": await hashing.hash(PASSWORD), "email_verified": "no"}
        await rooms.identity.accounts.import_user(waiting)
        hashing.close()
        with HostileIssuer() as issuer:
            on = Ground(rooms, clock, issuer)
            found = {}
            for name, (module, guard, instead, attack) in MISTAKES.items():
                closed = await tried(on, attack)
                with replaced(module, guard, instead):
                    found[name] = closed, await tried(on, attack)
                clock.advance(3600)
            return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1]))))
