"""On request: where a row leads to, and what the caller may do with it."""

from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import orjson

from mainstay.base.context import Caller
from mainstay.base.errors import BadRequest, FieldError, StepUpRequired
from mainstay.resources.answers import Answer
from mainstay.resources.records import Records
from mainstay.resources.registry import Registry

PARAMETER = "links"
LINKS, ACTIONS, STEP_UP = "_links", "_actions", "_step_up"
# Operations on a row, and the rule that each of them asks.
_DEEDS: tuple[tuple[str, Any], ...] = (("replace", "update"), ("update", "update"), ("delete", "delete"))


def take_parameter(query: bytes) -> tuple[bytes, bool]:
    """The query string without `links=true`, and whether it was there. Raises BadRequest for another value."""
    if b"links=" not in query:
        return query, False
    rest: list[bytes] = []
    wanted: list[bytes] = []
    for piece in query.split(b"&"):
        (wanted if piece.startswith(b"links=") else rest).append(piece)
    if wanted and (len(wanted) > 1 or wanted[0] not in (b"links=true", b"links=false")):
        sentence = "Send this parameter once, as true or false."
        raise BadRequest(f"{PARAMETER}: {sentence}", errors=[FieldError(("query", PARAMETER), "boolean", sentence)])
    return b"&".join(rest), wanted == [b"links=true"]


class RowLinks:
    """Adds the links and the allowed actions of one resource's rows to their answers."""

    def __init__(self, registry: Registry, records: Records, name: str, prefix: str) -> None:
        self._records = records[name]
        spec = registry[name].spec
        self._prefix = prefix
        self._own = f"{prefix}/{name}"
        self._deeds = [(deed, rule) for deed, rule in _DEEDS if deed not in spec.options.hide]
        by_column = {field.column.name: each for each, field in spec.fields.items()}
        self._to_one: list[tuple[str, str, str]] = []
        self._to_many: list[str] = []
        for relation in spec.relations.values():
            target = registry.target(relation)
            if target is None:
                continue
            if relation.kind != "one":
                if "list" not in target.spec.options.hide:
                    self._to_many.append(relation.name)
            elif relation.holds_key and relation.local.name in by_column:
                self._to_one.append((relation.name, target.name, by_column[relation.local.name]))

    async def added(self, caller: Caller, key: str, answer: Answer, root: str) -> Answer:
        """The same answer with `_links` below `root`, and `_actions`. Two more statements at most.

        Actions that want a proof first are told in `_step_up` instead, with what the proof has to be.
        """
        row = orjson.loads(answer.body)
        own = f"{root}{self._own}/{quote(key, safe='')}"
        links: dict[str, Any] = {"self": own}
        for name, target, field in self._to_one:
            if row.get(field) is not None:
                links[name] = f"{root}{self._prefix}/{target}/{quote(str(row[field]), safe='')}"
        links.update((name, f"{own}/{name}") for name in self._to_many)
        allowed = {rule: await self._records.may(caller, key, rule) for rule in {rule for _, rule in self._deeds}}
        lacking = {rule: self._records.lacking(caller, rule) for rule in allowed}
        row[LINKS] = links
        row[ACTIONS] = [deed for deed, rule in self._deeds if allowed[rule] and lacking[rule] is None]
        proofs = {deed: lacking[rule] for deed, rule in self._deeds if allowed[rule]}
        wanted = {deed: proof.extra for deed, proof in proofs.items() if isinstance(proof, StepUpRequired)}
        if wanted:
            row[STEP_UP] = wanted
        body = orjson.dumps(row)
        tag = blake2b(body, digest_size=8).hexdigest()
        return Answer(body, f'"{answer.version}.{tag}"', answer.version)
