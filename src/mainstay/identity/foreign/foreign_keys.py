"""The keys of one issuer: given, or fetched from its key set and kept; never fetched more often than a bound."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from joserfc.jwk import OctKey

from mainstay.base.clock import Clock
from mainstay.base.errors import MainstayError, Unavailable
from mainstay.identity.jose.foreign_issuer import ForeignIssuer
from mainstay.identity.jose.public_key import ForeignKey, fits, key_set, public_key
from mainstay.identity.ports import Fetch

log = logging.getLogger("mainstay.identity")
FRESH_SECONDS = 600.0
# An issuer that cannot be reached for this long is believed no more.
KEPT_SECONDS = 86_400.0
# Tokens that name keys nobody knows may not make us call the issuer more often than this.
APART_SECONDS = 10.0


class ForeignKeys:
    """Finds the key for a token of this issuer."""

    def __init__(self, issuer: ForeignIssuer, fetch: Fetch, clock: Clock, changed: Callable[[], None]) -> None:
        self._issuer, self._fetch, self._clock, self._changed = issuer, fetch, clock, changed
        self._keys: Mapping[str, ForeignKey] = {}
        self._given = _given(issuer)
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None, algorithm: str) -> ForeignKey | None:
        """The key of that id, if it is for that algorithm. Raises Unavailable where the issuer cannot be asked."""
        if self._given is not None:
            return self._given if fits(self._given, algorithm) else None
        await self._require_fresh(kid)
        key = self._keys.get(kid or "")
        if key is None and kid is None and len(self._keys) == 1:
            (key,) = self._keys.values()
        return key if key is not None and fits(key, algorithm) else None

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError):
                await self._fetching

    async def _require_fresh(self, kid: str | None) -> None:
        age = self._clock.monotonic() - self._fetched
        if age >= KEPT_SECONDS:
            await self._refresh()
            if self._clock.monotonic() - self._fetched >= KEPT_SECONDS:
                raise Unavailable(
                    "Tokens of this issuer cannot be checked now.", retry_after=int(APART_SECONDS), code="issuer_away"
                )
        elif kid is not None and kid not in self._keys:
            await self._refresh()
        elif age >= FRESH_SECONDS:
            self._begin()  # what is known serves meanwhile

    async def _refresh(self) -> None:
        """Wait for the fetch that is under way or may begin now; one at a time, whoever asks."""
        task = self._begin()
        if task is not None:
            # Shielded: the caller may go away, and others wait for the same answer.
            await asyncio.shield(task)

    def _begin(self) -> asyncio.Task[None] | None:
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        now = self._clock.monotonic()
        if now - self._tried < APART_SECONDS:
            return None
        self._tried = now
        self._fetching = asyncio.create_task(self._load(), name="mainstay-issuer-keys")
        return self._fetching

    async def _load(self) -> None:
        url = self._issuer.key_set_url or ""
        try:
            answer = await self._fetch(url, headers={"accept": "application/json"}, trusting=url)
            keys = key_set(answer.json(), self._issuer.algorithms) if answer.status == 200 else {}
        except (MainstayError, OSError, ValueError) as error:
            log.warning("the keys of the issuer %s cannot be fetched: %s", self._issuer.issuer, error)
            return
        if not keys:
            log.warning("the issuer %s answers no key that can be used (%s)", self._issuer.issuer, answer.status)
            return
        gone = self._keys.keys() - keys.keys()
        self._keys, self._fetched = keys, self._clock.monotonic()
        if gone:
            self._changed()


def _given(issuer: ForeignIssuer) -> ForeignKey | None:
    if issuer.secret is not None:
        return OctKey.import_key(issuer.secret.reveal())
    return None if issuer.key is None else public_key(issuer.key_parts(), issuer.algorithms)
