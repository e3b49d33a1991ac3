"""Takes one guard after the other out of the verifier's source, and tells what then gets through.

Run as a program in a process of its own (`python -m tests.rooms.identity.mutants <database url>`): guards have no
switch, so what is changed is their source. Prints one JSON object: for each guard the forms that were not refused.
"""

import asyncio
import importlib
import inspect
import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FunctionType, ModuleType
from typing import Any

import httpx

from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.forged import Forger, forms
from tests.rooms.identity.library import Running, library

TOKENS = "mainstay.identity.tokens"
ACCESS, STRICT = f"{TOKENS}.access_token", "mainstay.identity.jose.strict"
RING, RECORD = "mainstay.identity.signing.key_ring", "mainstay.identity.signing.key_record"
STANDING = "mainstay.identity.sessions.verifying.verify_token"
# What it guards, where it stands, its source, and the source without it.
GUARDS: dict[str, tuple[str, str, str]] = {
    "the signature": (
        ACCESS,
        "jws.deserialize_compact(token, key.pair, algorithms=[key.algorithm])",
        "jws.extract_compact(token)",
    ),
    "the header, byte for byte": (
        RING,
        "record = self._by_head.get(head)",
        "import base64, json\n"
        "        try: kid = json.loads(base64.urlsafe_b64decode(head + b'==')).get('kid')\n"
        "        except Exception: kid = None\n"
        "        record = next((each for each in self.records if each.kid == kid), None)",
    ),
    "keys that verify no more": (
        RECORD,
        "self.revoked_at is None and (self.verifies_until is None or self.verifies_until > now)",
        "self.revoked_at is None",
    ),
    "the length": (ACCESS, "if len(token) <= LONGEST else None", ""),
    "one of two signatures": (ACCESS, 'key.algorithm == "ES256" and not is_low(token)', "False"),
    "names that stand twice": (STRICT, "len(found) != len(pairs)", "False"),
    "an object": (STRICT, "not isinstance(found, dict)", "False"),
    "the claims there must be": (ACCESS, "for name, kind in _REQUIRED.items()", "for name, kind in ()"),
    "the claims there may be": (
        ACCESS,
        "for name, kind in _OPTIONAL.items() if name in claims",
        "for name, kind in ()",
    ),
    "the issuer": (ACCESS, 'claims["iss"] != options.issuer', "False"),
    "the audience": (ACCESS, 'claims["aud"] != options.audience', "False"),
    "the end": (ACCESS, 'claims["exp"] <= at', "False"),
    "an end that is a time": (ACCESS, 'not 0 < claims["exp"] <= LAST_SECOND', "False"),
    "not before": (ACCESS, 'claims["nbf"] > at + options.skew_seconds', "False"),
    "not from the future": (ACCESS, 'claims["iat"] > at + options.skew_seconds', "False"),
    "ids as we write them": (ACCESS, "str(found) != text", "False"),
    "ids that are ids": (
        ACCESS,
        "except ValueError:\n        raise refused() from None\n    #",
        "except AssertionError:\n        raise\n    #",
    ),
    "the session's user": (STANDING, "session.user_id != claims.user_id", "False"),
    "the session's tenant": (STANDING, "session.tenant_id != claims.tenant_id", "False"),
    "that there is a session": (STANDING, "if not rows:", "if False:"),
}


def without(name: str) -> AbstractContextManager[None]:
    """This process, without that guard of the verifier."""
    return replaced(*GUARDS[name])


@contextmanager
def replaced(module: str, guard: str, instead: str) -> Iterator[None]:
    """This process, with a guard's source replaced: every function of its module runs the new code."""
    found = importlib.import_module(module)
    source = inspect.getsource(found)
    assert source.count(guard) == 1, f"{guard!r} stands {source.count(guard)} times in {module}"
    changed = ModuleType(module)
    changed.__file__ = found.__file__
    # Under the same name, so that dataclasses find their module.
    exec(compile(source.replace(guard, instead), module, "exec"), vars(changed))
    kept = [(old, old.__code__) for old, _ in _pairs(found, changed)]
    for old, new in _pairs(found, changed):
        old.__code__ = new.__code__
    try:
        yield
    finally:
        for old, code in kept:
            old.__code__ = code


def _pairs(old: Any, new: Any) -> Iterator[tuple[FunctionType, FunctionType]]:
    for name, value in list(vars(old).items()):
        other = vars(new).get(name)
        if isinstance(value, FunctionType) and isinstance(other, FunctionType):
            if value.__module__ == old.__name__ if isinstance(old, ModuleType) else True:
                yield value, other
                if hasattr(value, "__wrapped__") and hasattr(other, "__wrapped__"):
                    yield value.__wrapped__, other.__wrapped__
        elif inspect.isclass(value) and inspect.isclass(other) and value is not other and isinstance(old, ModuleType):
            yield from _pairs(value, other)


async def _passed(running: Running, corpus: dict[str, str]) -> list[str]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(running.app, raise_app_exceptions=False), base_url="http://test"
    ) as client:
        through = []
        for name, token in corpus.items():
            running.app.rooms.identity.revocations.applied(None)
            answer = await client.get("/api/v1/folios", headers={"authorization": f"Bearer {token}"})
            if answer.status_code != 401:
                through.append(f"{name}: {answer.status_code}")
        return through


async def run(url: str) -> dict[str, list[str]]:
    """What gets through without each of the guards, and with all of them under the empty name."""
    async with library(Urls(url, url, "sqlite"), WoundClock()) as running:
        forger: Forger = await running.forger()
        corpus = forms(forger)
        found = {"": await _passed(running, corpus)}
        ring = running.app.rooms.identity._room.keys
        for name in GUARDS:
            with without(name):
                await ring.load()
                found[name] = await _passed(running, corpus)
            await ring.load()
        found["again"] = await _passed(running, corpus)
        return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(sys.argv[1]))))
