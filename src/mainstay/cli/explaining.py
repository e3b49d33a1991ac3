"""What a rule is explained on: a row as it is stored, or all rows at once."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from mainstay.access.policy import Explanation, PreparedRule
from mainstay.assembly import Rooms
from mainstay.base.context import Caller
from mainstay.cli.frame.ending import Refused


async def stored_row(
    rooms: Rooms, caller: Caller, name: str, key: str, rule: PreparedRule
) -> tuple[Mapping[str, Any], Mapping[tuple[str, ...], Any]]:
    """The row of the caller's tenant, whoever may read it, and the values of related rows that the rule looks at.

    Raises Refused where there is no such row.
    """
    spec = rooms.registry[name].spec
    names = {each: inspect(spec.model).get_property_by_column(field.column).key for each, field in spec.fields.items()}

    def look(session: Session) -> tuple[Mapping[str, Any], Mapping[tuple[str, ...], Any]] | None:
        found = session.scalars(select(spec.model).where(getattr(spec.model, names[spec.key.name]) == wanted)).first()
        if found is None:
            return None
        row = {each: getattr(found, attribute) for each, attribute in names.items()}
        return row, {path: _follow(found, path) for path in rule.paths}

    try:
        wanted = spec.key.parse(key)
    except ValueError:
        raise _absent(name, key) from None
    async with rooms.database.session(caller.require_scope()) as session:
        answer = await session.run_sync(look)
    if answer is None:
        raise _absent(name, key)
    return answer


def _follow(found: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        found = None if found is None else getattr(found, step)
    return found


def _absent(name: str, key: str) -> Refused:
    return Refused(f"there is no row {key} of {name} in this tenant.", fix=f"mainstay export app.py {name} shows them.")


class AnyRow(defaultdict[Any, None]):
    """A row of which nothing is known: every comparison with it is UNKNOWN."""

    def __init__(self) -> None:
        super().__init__(lambda: None)


def without_row(tree: Explanation) -> Explanation:
    """The same tree, with `is_null()` UNKNOWN too: of no row, even that is not known."""
    if not tree.parts:
        return Explanation(tree.text, None) if tree.text.endswith(".is_null()") else tree
    parts = tuple(without_row(part) for part in tree.parts)
    return Explanation(tree.text, _outcome(tree, [part.outcome for part in parts]), parts)


def _outcome(tree: Explanation, parts: list[bool | None]) -> bool | None:
    """Kleene's three-valued logic over the parts."""
    if len(parts) == 1:
        return None if parts[0] is None else not parts[0]
    signs = tree.text
    for part in sorted(tree.parts, key=lambda each: -len(each.text)):
        signs = signs.replace(part.text, "")
    decisive = "&" not in signs
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive
