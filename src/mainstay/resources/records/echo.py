"""The answer to a change: from what the change returned, or read again in its transaction."""

from typing import Any

from mainstay.resources.answers import Written
from mainstay.resources.plan.change.writes import Echo
from mainstay.resources.plan.row import read_row
from mainstay.resources.plan.select.serialise import body_tag, dumps
from mainstay.resources.records.context import Writing, admits, key_text
from mainstay.storage.statement import Script


def answer_change(
    writing: Writing, echo: Echo, row: Any, known: dict[str, Any], seen: bool | None, *, created: bool = False
) -> Script[Written]:
    """What the caller may see of the row as it is now. No body where they may not read it; `seen` is `visible`'s."""
    key = known[writing.spec.key.name]
    text = key_text(writing.spec, key)
    version = echo.version(row)
    if seen is False:
        return Written(text, None, None, version, created)
    if echo.again is None and seen:
        body = dumps(echo.objects([row])[0])
        return Written(text, body, f'"{version}.{echo.tag or body_tag(body)}"', version, created)
    plan, run = writing.planner.row_at_once(writing.entry, writing.caller, writing.query)
    answer = yield from read_row(plan, run, key)
    if answer is None:
        return Written(text, None, None, version, created)
    return Written(text, answer.body, answer.etag, answer.version, created)


def answered_at_once(echo: Echo, seen: bool | None) -> bool:
    """Whether `answer_change` needs nothing but the changed row itself."""
    return seen is False or (seen is True and echo.again is None)


def visible(writing: Writing, known: dict[str, Any]) -> bool | None:
    """Whether the caller may read the row; None where only the database can tell."""
    actor = writing.caller.actor
    if actor.narrowed and f"{writing.entry.name}:read" not in actor.scopes:
        return False
    return admits(writing.entry.access.read, writing.lens.read, writing.caller, known)
