"""The answer to a change: from what the change returned, or read again in its transaction."""

from typing import Any

from mainstay.resources.answers import Written
from mainstay.resources.plan.change.writes import Echo
from mainstay.resources.plan.row import read_row
from mainstay.resources.plan.select.serialise import body_tag, dumps
from mainstay.resources.records.context import Writing, admits, key_text
from mainstay.storage.statement import Script


def answer_change(
    writing: Writing, echo: Echo, row: Any, known: dict[str, Any], *, created: bool = False
) -> Script[Written]:
    """What the caller may see of the row as it is now. No body where they may not read it."""
    key, actor = known[writing.spec.key.name], writing.caller.actor
    text = key_text(writing.spec, key)
    version = echo.version(row)
    unread = actor.narrowed and f"{writing.entry.name}:read" not in actor.scopes
    seen = False if unread else admits(writing.entry.access.read, writing.lens.read, writing.caller, known)
    if seen is False:
        return Written(text, None, None, version, created)
    if echo.again is None and seen:
        body = dumps(echo.objects([row])[0])
        return Written(text, body, f'"{version}.{echo.tag or body_tag(body)}"', version, created)
    plan, run = writing.planner.row(writing.entry, writing.caller, writing.query)
    answer = yield from read_row(plan, run, key)
    if answer is None:
        return Written(text, None, None, version, created)
    return Written(text, answer.body, answer.etag, answer.version, created)
