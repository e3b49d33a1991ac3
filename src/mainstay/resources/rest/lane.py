"""One read that a caller repeats, with everything about it decided but what differs each time."""

from mainstay.base.actor import Actor
from mainstay.base.tenant import TenantScope
from mainstay.resources.records.repeated import Repeat
from mainstay.resources.rest.answers import fresh
from mainstay.resources.rest.request import Reply


class Lane:
    """Reads a page or a row for this actor in this tenant; `template` is the route's."""

    __slots__ = ("_repeat", "actor", "scope", "template")

    def __init__(self, template: str, actor: Actor, scope: TenantScope | None, repeat: Repeat) -> None:
        self.template, self.actor, self.scope = template, actor, scope
        self._repeat = repeat

    def reply(self, argument: str, if_none_match: str | None) -> Reply | None:
        """The answer, given the row's key or the page's cursor; None where it has to be found in the ordinary way."""
        answer = self._repeat(argument)
        if answer is None:
            return None
        reply = fresh(self.actor, answer, if_none_match)
        if reply[0] == 200:
            reply[1].append((b"content-length", b"%d" % len(reply[2])))
        return reply
