"""The decorator: a function whose values are kept."""

import functools
import inspect
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, ParamSpec, Protocol, TypeVar, cast, get_type_hints

from mainstay.base.errors import ConfigurationError
from mainstay.cache.codec import Codec
from mainstay.cache.naming.keys import canonical
from mainstay.cache.naming.tags import Tag, tag_name
from mainstay.cache.naming.whose import Shared
from mainstay.cache.opened import the_open_cache
from mainstay.cache.portal import refuse_on_a_loop
from mainstay.cache.ports import Answering, Want

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
F = TypeVar("F", bound=Callable[..., Any])
Tags = Iterable[Tag] | Callable[..., Iterable[Tag]]


def seconds(ttl: float | timedelta) -> float:
    """A TTL in seconds. Raises ConfigurationError for one that is no length of time, or without an end."""
    found = ttl.total_seconds() if isinstance(ttl, timedelta) else float(ttl)
    if not 0 <= found <= 366 * 86_400:
        raise ConfigurationError(f"A TTL of {ttl} cannot be kept.", fix="Give seconds from 0 up to a year.")
    return found


class CachedFunction(Protocol[P, R_co]):
    """What a decorated function has beside being called."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    async def forget(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Forget the value of these arguments, as the current caller."""
        ...


class Caching:
    """Makes decorators for one cache, which need not exist before the first call.

        @cache.cached(ttl=60, tags=[Order])
        async def turnover(year: int) -> Decimal: ...

    `ttl`: seconds or a timedelta. `tags`: what the value is made of, resources, texts or pairs of one and a row's key;
    or a function of the arguments that names them. `shared`: "tenant" or "everyone" where the value does not depend on
    who asks; it is then computed as an anonymous visitor of the tenant, or as nobody. `ignore`: names of arguments
    that are no part of the key. `key`: a function of the arguments whose answer is the key instead of them.
    `none_ttl`: for how long None is kept; 0 not at all. `early`: how eagerly to refresh before the end (XFetch's beta;
    1.0 is usual). `version`: change it when the meaning of the values changes. `name`: instead of the function's own.
    Exceptions are never kept. A value is kept only after the function returned it to somebody who may have it: what
    stands before it, FastAPI's dependencies for one, runs every time.
    """

    def __init__(self, cache: Callable[[], Answering]) -> None:
        self._cache = cache

    def __call__(
        self,
        ttl: float | timedelta,
        *,
        tags: Tags = (),
        shared: Shared = None,
        ignore: Collection[str] = (),
        key: Callable[..., Any] | None = None,
        none_ttl: float | timedelta | None = None,
        early: float = 0.0,
        version: int | str = 1,
        name: str | None = None,
    ) -> Callable[[F], F]:
        """The decorator. Raises ConfigurationError for what cannot work, where it is written."""
        if not callable(tags):
            tags = tuple(tags)
            for tag in tags:
                tag_name(tag[0] if isinstance(tag, tuple) else tag)
        if shared not in (None, "tenant", "everyone"):
            raise ConfigurationError(f"shared={shared!r} says nothing.", fix='Write "tenant" or "everyone".')
        kept_none = -1.0 if none_ttl is None else seconds(none_ttl)

        def decorate(function: F) -> F:
            recipe = _Recipe(
                function, self._cache, seconds(ttl), tags, shared, ignore, key, kept_none, early, version, name
            )
            return cast(F, recipe.wrapped())

        return decorate


class _Recipe:
    """One decorated function."""

    def __init__(
        self,
        function: Callable[..., Any],
        cache: Callable[[], Answering],
        ttl: float,
        tags: Tags,
        shared: Shared,
        ignore: Collection[str],
        key: Callable[..., Any] | None,
        none_ttl: float,
        early: float,
        version: int | str,
        name: str | None,
    ) -> None:
        self._function, self._cache, self._ttl, self._tags = function, cache, ttl, tags
        self._shared, self._ignore, self._key = shared, frozenset(ignore), key
        self._none_ttl, self._early = none_ttl, early
        self._spoken = getattr(function, "__qualname__", repr(function))
        # In its canonical form already: it is the same at each call.
        self._name = canonical(("function", name or f"{function.__module__}.{self._spoken}", version, key is None))
        self._signature = _signature(function, self._spoken, self._ignore)
        self._positional = _all_positional(self._signature) if not ignore else -1
        self._codec: Codec | None = None
        self._lock = threading.Lock()

    def wrapped(self) -> Callable[..., Any]:
        """The function that looks first."""
        function = self._function
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def looked(*args: Any, **kwargs: Any) -> Any:
                cache = self._cache()
                want, codec = self._want(cache, args, kwargs), self._codec or self._made_codec()
                return await cache.answer(want, lambda: function(*args, **kwargs), codec, self._shared, self._none_ttl)

            looked.forget = self._forget  # type: ignore[attr-defined]  # a function with a method: CachedFunction
            return looked

        @functools.wraps(function)
        def looked_here(*args: Any, **kwargs: Any) -> Any:
            refuse_on_a_loop(self._spoken)
            cache = self._cache()
            want, codec = self._want(cache, args, kwargs), self._codec or self._made_codec()
            return cache.answer_here(want, lambda: function(*args, **kwargs), codec, self._shared, self._none_ttl)

        looked_here.forget = self._forget  # type: ignore[attr-defined]  # as above
        return looked_here

    async def _forget(self, *args: Any, **kwargs: Any) -> None:
        cache = self._cache()
        await cache.forget(self._want(cache, args, kwargs).key)

    def _want(self, cache: Answering, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Want:
        tags = self._tags(*args, **kwargs) if callable(self._tags) else self._tags
        if self._key is not None:
            named: Any = self._key(*args, **kwargs)
        elif not kwargs and len(args) == self._positional:
            named = args
        else:
            bound = self._signature.bind(*args, **kwargs)
            bound.apply_defaults()
            # In the order of the signature, so that names need not be told.
            named = tuple([value for name, value in bound.arguments.items() if name not in self._ignore])
        try:
            return cache.want((self._name, named), self._ttl, tags, self._shared, self._early)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self._spoken}: {error.what}", fix=error.fix) from None

    def _made_codec(self) -> Codec:
        # Not before the first call: an annotation may name a class that is defined below the function.
        with self._lock:
            if self._codec is None:
                try:
                    returns = get_type_hints(self._function, include_extras=True).get("return", Any)
                except NameError:
                    returns = Any
                self._codec = Codec(returns)
            return self._codec


def _signature(function: Callable[..., Any], spoken: str, ignore: Collection[str]) -> inspect.Signature:
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function) or inspect.isclass(function):
        raise ConfigurationError(f"{spoken} answers piece by piece, which cannot be kept.", fix="Return a list.")
    signature = inspect.signature(function)
    unknown = set(ignore) - set(signature.parameters)
    if unknown:
        raise ConfigurationError(f"{spoken} has no argument {min(unknown)}.", fix="Correct the names in ignore=(…).")
    return signature


def _all_positional(signature: inspect.Signature) -> int:
    """How many arguments name a value if all of them are given by position; -1 where that cannot be."""
    kinds = {each.kind for each in signature.parameters.values()}
    plain = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return len(signature.parameters) if kinds <= plain else -1


cached = Caching(the_open_cache)
