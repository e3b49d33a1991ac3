"""Entries in Redis, shared by processes and machines: versioned tags, fenced leases, a switch for when it is away.

The only module that imports the driver. One Redis or one with replicas behind Sentinel; not a cluster, whose keys lie
apart.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

import orjson
from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Away
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as Late

from mainstay.base.clock import Clock, SystemClock
from mainstay.base.errors import ConfigurationError
from mainstay.cache.engines.circuit import Circuit
from mainstay.cache.engines.redis_scripts import BEGIN, HOLD, KEEP
from mainstay.cache.errors import StoreAway
from mainstay.cache.ports import Entry, Lease

log = logging.getLogger("mainstay.cache")
T = TypeVar("T")
_FORM = b"1"
_COMPLAIN_EVERY = 60.0


class Redis:
    """A store in Redis. No call takes longer than `timeout` seconds; after one that failed, none waits for `pause`.

    Keys begin with `namespace`, which must differ between applications that share a Redis; they hold digests, and no
    names or values. Raises ConfigurationError for a URL that names no Redis.
    """

    shared = True

    def __init__(
        self,
        url: str,
        *,
        namespace: str,
        timeout: float = 0.1,
        pause: float = 1.0,
        connections: int = 32,
        clock: Clock | None = None,
    ) -> None:
        if not namespace:
            raise ConfigurationError("A cache in Redis has no namespace.", fix="Give it one: the application's name.")
        self._options = (url, namespace, timeout, pause, connections)
        self._clock = clock or SystemClock()
        self.namespace = namespace
        self._timeout = timeout
        self._complained = float("-inf")
        try:
            pool: Any = BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError as error:
            raise ConfigurationError(
                f"The cache's Redis URL cannot be used: {error}.", fix="Write redis://:password@host:6379/0."
            ) from None
        self._client: Client = Client.from_pool(pool)
        self._begin = self._client.register_script(BEGIN)
        self._keep = self._client.register_script(KEEP)
        self._hold = self._client.register_script(HOLD)
        self.circuit = Circuit(self._ping, pause)

    def peek(self, key: str) -> Entry | None:
        """Telling takes I/O here."""
        return None

    async def read(self, key: str, tags: Sequence[str]) -> Entry | None:
        names = [self._entry(key), *map(self._tag, tags)]
        found: list[Any] = await self._run(lambda: self._client.mget(names))
        if found[0] is None:
            return None
        known = dict(zip(tags, found[1:], strict=True))
        kept = _unpacked(found[0])
        if kept is None:
            return None
        missing = [tag for tag in kept["t"] if tag not in known]
        if missing:
            more = await self._run(lambda: self._client.mget([self._tag(tag) for tag in missing]))
            known |= zip(missing, more, strict=True)
        return self._checked(kept, found[0], known)

    async def begin(
        self, key: str, tags: Sequence[str], *, lease: float, ttl: float, force: bool = False
    ) -> tuple[Lease | None, Entry | None]:
        # A tag outlives what was filled under it.
        life = _milliseconds(ttl + lease + 60)
        keys = [self._entry(key), self._lease(key), *map(self._tag, tags)]
        arguments: list[str | int] = [secrets.token_hex(8), _milliseconds(lease), life, "force" if force else ""]
        entry, token, *versions = await self._run(lambda: self._begin(keys=keys, args=arguments))
        known = dict(zip(tags, versions, strict=True))
        kept = None if entry is None else _unpacked(entry)
        found = None if kept is None else self._checked(kept, entry, known)
        spelled = {tag: version.decode() for tag, version in known.items()}
        return (None if token is None else Lease(key, token.decode(), spelled)), found

    async def keep(self, lease: Lease, entry: Entry) -> bool:
        left = entry.expires - self._clock.monotonic()
        if left <= 0:
            await self.release(lease)
            return False
        header = {"e": time.time() + left, "c": entry.cost, "p": entry.position, "t": lease.versions}
        data = _FORM + orjson.dumps(header) + b"\n" + entry.data
        keys = [self._entry(lease.key), self._lease(lease.key), *map(self._tag, lease.versions)]
        arguments: list[str | bytes | int] = [lease.token, data, _milliseconds(left), *lease.versions.values()]
        return bool(await self._run(lambda: self._keep(keys=keys, args=arguments)))

    async def renew(self, lease: Lease, seconds: float) -> None:
        arguments: list[str | int] = [lease.token, _milliseconds(seconds)]
        await self._run(lambda: self._hold(keys=[self._lease(lease.key)], args=arguments))

    async def release(self, lease: Lease) -> None:
        await self._run(lambda: self._hold(keys=[self._lease(lease.key)], args=[lease.token, "0"]))

    async def delete(self, key: str) -> None:
        await self._run(lambda: self._client.unlink(self._entry(key), self._lease(key)))

    async def void(self, tags: Iterable[str]) -> None:
        names = [self._tag(tag) for tag in tags]
        if names:
            await self._run(lambda: self._client.unlink(*names))

    def twin(self) -> "Redis":
        url, namespace, timeout, pause, connections = self._options
        return Redis(url, namespace=namespace, timeout=timeout, pause=pause, connections=connections, clock=self._clock)

    async def close(self) -> None:
        await self.circuit.close()
        await self._client.aclose()
        await self._client.connection_pool.disconnect()

    def _entry(self, key: str) -> str:
        return f"{self.namespace}:e:{key}"

    def _lease(self, key: str) -> str:
        return f"{self.namespace}:l:{key}"

    def _tag(self, tag: str) -> str:
        # A tag may hold a row's key, and a row's key somebody's address.
        return f"{self.namespace}:t:{hashlib.blake2b(tag.encode(), digest_size=16).hexdigest()}"

    def _checked(self, kept: dict[str, Any], data: bytes, known: dict[str, Any]) -> Entry | None:
        versions: dict[str, str] = kept["t"]
        for tag, version in versions.items():
            stands = known.get(tag)
            if stands is None or stands != version.encode():
                return None
        expires = self._clock.monotonic() + (kept["e"] - time.time())
        content = data[data.index(b"\n") + 1 :]
        return Entry(content, tuple(versions), expires, kept["c"], None, kept["p"])

    async def _ping(self) -> None:
        async with asyncio.timeout(self._timeout):
            await self._client.ping()

    async def _run(self, call: Callable[[], Awaitable[T]]) -> T:
        if self.circuit.is_open:
            raise StoreAway
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                return await call()
        except (Away, Late, OSError, TimeoutError) as error:
            # Long after the deadline it was our own loop that stood still, and Redis may be well.
            if time.monotonic() - began < 3 * self._timeout:
                self.circuit.open(error)
            raise StoreAway from error
        except RedisError as error:
            # It answers, and refuses: full, read-only, or not permitted.
            if began - self._complained > _COMPLAIN_EVERY:
                self._complained = began
                log.warning("Redis refuses steps of the cache, so values are computed: %s", error)
            raise StoreAway from error


def _unpacked(data: bytes) -> dict[str, Any] | None:
    """The header of what lies there, or None where it is not of this form."""
    try:
        if data[:1] != _FORM:
            return None
        found = orjson.loads(memoryview(data)[1 : data.index(b"\n")])
        return {"e": float(found["e"]), "c": float(found["c"]), "p": int(found["p"]), "t": dict(found["t"])}
    except (ValueError, KeyError, TypeError):
        return None


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
