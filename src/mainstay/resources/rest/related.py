"""Rows reached from another row: `/authors/{key}/books`, and the links of many-to-many relations."""

from collections.abc import Awaitable, Callable
from functools import partial

from mainstay.access.policy import fold
from mainstay.base.errors import Conflict, Forbidden, NotFound, SignInRequired
from mainstay.model.spec import RelationSpec
from mainstay.resources.records import Records
from mainstay.resources.registry import Registered, Registry
from mainstay.resources.rest.answers import fresh, gone
from mainstay.resources.rest.request import Reply, Request

Handler = Callable[..., Awaitable[Reply]]


class RelatedRoutes:
    """The relations of one resource, as places of their own.

    A row that the caller may not see has nothing below it: 404, whether it exists or not.
    """

    def __init__(self, registry: Registry, records: Records, name: str) -> None:
        self._entry = registry[name]
        self._records = records
        self._targets: dict[str, tuple[RelationSpec, Registered]] = {}
        for relation in self._entry.spec.relations.values():
            target = registry.target(relation)
            if target is not None and relation.kind != "one":
                self._targets[relation.name] = (relation, target)

    def lists(self) -> dict[str, dict[str, Handler]]:
        """The handlers of `/name/{key}/{relation}`, by relation and method."""
        return {
            name: {"GET": partial(self.page, name)}
            for name, (_, target) in self._targets.items()
            if "list" not in target.spec.options.hide
        }

    def links(self) -> dict[str, dict[str, Handler]]:
        """The handlers of `/name/{key}/{relation}/{other key}`, by relation and method."""
        return {
            name: {"PUT": partial(self.link, name), "DELETE": partial(self.unlink, name)}
            for name, (relation, _) in self._targets.items()
            if relation.kind == "link" and "update" not in self._entry.spec.options.hide
        }

    async def page(self, relation: str, request: Request, key: str) -> Reply:
        caller = request.caller
        target = self._targets[relation][1]
        parents, rows = self._records[self._entry.name], self._records[target.name]
        query = rows.read_query(request.query)
        if fold(target.access.read, caller.actor).verdict is False:
            # Told before the row above is looked for, so that it doesn't depend on whether that row exists.
            raise Forbidden() if caller.actor.signed_in else SignInRequired()
        # Refused where the caller may not see it: what is below a row must not tell that the row exists.
        if parents.one_now(caller, key) is None:
            await parents.one(caller, key)
        below = query.under(self._entry.name, relation, parents.parse_key(key))
        answer = rows.page_now(caller, below)
        if answer is None:
            answer = await rows.page(caller, below)
        return fresh(caller.actor, answer, request.header(b"if-none-match"))

    async def link(self, relation: str, request: Request, key: str, other: str) -> Reply:
        request.refuse_query()
        try:
            await self._records[self._entry.name].link(request.caller, key, relation, other)
        except Conflict as error:
            if error.problem_code == "reference_missing":
                # Both rows are named by the path.
                raise NotFound() from None
            raise
        return gone()

    async def unlink(self, relation: str, request: Request, key: str, other: str) -> Reply:
        request.refuse_query()
        await self._records[self._entry.name].unlink(request.caller, key, relation, other)
        return gone()
