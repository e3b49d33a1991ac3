"""Tags: what a value was made of, so that a change to it voids the value."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from mainstay.base.errors import ConfigurationError
from mainstay.cache.naming.whose import EVERYONE

# Every entry has this one: voiding it clears the cache.
ROOT = ""
Tag = str | type | tuple[str | type, Any]


def tag_name(tag: str | type) -> str:
    """A tag's name: the text itself, or a mapped class's table. Raises ConfigurationError for anything else."""
    name: Any = tag
    if isinstance(tag, type):
        name = getattr(getattr(tag, "__table__", None), "name", None) or getattr(tag, "__tablename__", None)
    if not isinstance(name, str) or not name:
        raise ConfigurationError(
            f"{tag!r} is no tag.", fix="A tag is a text, a resource, or a pair of one of these and a row's key."
        )
    return name


def spelled(tags: Iterable[Tag], tenant: str) -> tuple[str, ...]:
    """The tags of an entry of this tenant (`*`: of everybody).

    A pair of a resource and a key is voided by changes to that row, and by changes to many rows at once.
    """
    found = [ROOT]
    for tag in tags:
        if isinstance(tag, tuple):
            name, key = tag
            found += [f"{tenant}:{tag_name(name)}/{_key(key)}", f"{tenant}:{tag_name(name)}/*"]
        else:
            found.append(f"{tenant}:{tag_name(tag)}")
    return tuple(dict.fromkeys(found))


def touched(tenant: str, changes: Iterable[tuple[str, str]]) -> list[str]:
    """What a tenant's changes void: pairs of a resource's name and a row's key, "" for many rows at once."""
    found: dict[str, None] = {}
    for name, key in changes:
        for owner in (tenant, EVERYONE):
            found[f"{owner}:{name}"] = None
            found[f"{owner}:{name}/{key or '*'}"] = None
    return list(found)


def voided(tags: Sequence[Tag], tenant: str) -> list[str]:
    """What `void(*tags)` voids: a pair's row alone, a name's entries whatever the row."""
    found: dict[str, None] = {}
    for tag in tags:
        if isinstance(tag, tuple):
            found[f"{tenant}:{tag_name(tag[0])}/{_key(tag[1])}"] = None
        else:
            found[f"{tenant}:{tag_name(tag)}"] = None
            found[f"{tenant}:{tag_name(tag)}/*"] = None
    return list(found)


def _key(key: Any) -> str:
    if isinstance(key, str) and _is_uuid(key):
        return str(UUID(key))
    return str(key)


def _is_uuid(text: str) -> bool:
    # Clients may write a UUID in capitals; the row's key is the same.
    try:
        UUID(text)
    except ValueError:
        return False
    return len(text) == 36
