"""The operations of one resource, as OpenAPI says them."""

from collections.abc import Iterable, Mapping
from typing import Any

from mainstay.access.policy import fold
from mainstay.base.actor import ANONYMOUS
from mainstay.base.proof import Proof
from mainstay.model.spec import RelationSpec
from mainstay.resources.openapi.fields import key_schema
from mainstay.resources.openapi.models import ModelSchemas
from mainstay.resources.openapi.parameters import filters, opaque, paging, parameter, shaping
from mainstay.resources.openapi.responses import READING, WRITING, in_words, refusals, stepping_up
from mainstay.resources.registry import Registered, Registry
from mainstay.resources.rest import RestOptions
from mainstay.resources.rest.links import PARAMETER as LINKS
from mainstay.resources.step_up import proof_for

Operation = dict[str, Any]
Security = list[dict[str, list[str]]]

_JSON = "application/json"
_ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The version and representation, for If-Match."}}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "The path of the new row."}}
_CONDITIONAL = (
    "Send `If-Match` with an ETag to change exactly that version (412 otherwise), `Idempotency-Key` to be sure that a "
    "repeated request is done once, and `Prefer: return=minimal` for an answer without a body."
)
_CURSORS = (
    "Send `{after}` or `{before}` with the `{next}` or `{prev}` cursor of an answer to go on from there; a cursor "
    "holds for the filters and order that it was made for. Filters also reach through relations: `author.name=…`."
)


class ResourceOperations:
    """Paths and tags of one resource."""

    def __init__(
        self, registry: Registry, entry: Registered, models: ModelSchemas, options: RestOptions, signed: Security
    ) -> None:
        self._registry = registry
        self._entry = entry
        self._spec = entry.spec
        self._api = entry.spec.options
        self._models = models
        self._options = options
        self._query = registry.options.query
        self._signed = signed
        self._title = models.title(entry)
        self._shape = shaping(registry, entry.spec)

    def tags(self) -> list[Operation]:
        """The resource's own tag, unless it chose others."""
        if self._api.tags:
            return []
        return [{"name": self._entry.name, "description": (self._spec.model.__doc__ or "").strip().split("\n")[0]}]

    def paths(self) -> dict[str, Any]:
        """Every path below the resource's name."""
        base = f"{self._options.prefix}/{self._entry.name}"
        item = f"{base}/{{{self._spec.key.name}}}"
        found = {
            base: {"get": self._list(), "post": self._create()},
            item: {"get": self._get(), "put": self._replace(), "patch": self._update(), "delete": self._delete()},
        }
        for relation, target in self._many():
            if "list" not in target.spec.options.hide:
                found[f"{item}/{relation.name}"] = {"get": self._related(relation, target)}
            if relation.kind == "link" and "update" not in self._api.hide:
                found[f"{item}/{relation.name}/{{related_id}}"] = {
                    "put": self._link(relation, target, "link", "Link a row of"),
                    "delete": self._link(relation, target, "unlink", "Unlink a row of"),
                }
        shown = {path: {method: each for method, each in item.items() if each} for path, item in found.items()}
        return {path: item for path, item in shown.items() if item}

    def _many(self) -> Iterable[tuple[RelationSpec, Registered]]:
        for relation in self._spec.relations.values():
            target = self._registry.target(relation)
            if target is not None and relation.kind != "one":
                yield relation, target

    def _list(self) -> Operation | None:
        parameters = [*paging(self._spec, self._query), *self._shape, *filters(self._spec, self._query)]
        answer = self._models.page(self._entry, self._query)
        return self._operation(
            "list", "read", f"List {self._entry.name}", parameters, {200: answer}, note=self._paged()
        )

    def _paged(self) -> str:
        names, envelope = self._query.names, self._query.envelope
        return _CURSORS.format(after=names.after, before=names.before, next=envelope.next, prev=envelope.prev)

    def _create(self) -> Operation | None:
        one = self._models.reference(self._entry, "create")
        many = {"type": "array", "items": one, "minItems": 1, "maxItems": self._options.bulk}
        row = self._models.reference(self._entry, "read")
        created = {"oneOf": [row, {"type": "array", "items": row}]}
        return self._operation(
            "create",
            "create",
            f"Create one or many {self._entry.name}",
            self._shape,
            {201: created},
            body={_JSON: {"oneOf": [one, many]}},
            headers={201: _LOCATION | _ETAG},
            links=self._links(),
            note=_CONDITIONAL,
        )

    def _links(self) -> dict[str, Any]:
        key = self._spec.key.name
        wanted = [name for name in ("get", "update", "replace", "delete") if name not in self._api.hide]
        follow = {key: f"$response.body#/{key}"}
        found = {name: {"operationId": self._id(name), "parameters": follow} for name in wanted}
        for relation, target in self._many():
            if "list" not in target.spec.options.hide:
                name = f"list_{self._entry.name}_{relation.name}"
                found[relation.name] = {"operationId": name, "parameters": follow}
        return found

    def _get(self) -> Operation | None:
        row = self._models.reference(self._entry, "read")
        linked = parameter(LINKS, {"type": "boolean"}, "Add `_links` to related rows and the `_actions` you may take.")
        shape = [*self._shape, linked]
        return self._operation(
            "get", "read", f"Read one of {self._entry.name}", shape, {200: row}, keyed=True, headers={200: _ETAG}
        )

    def _replace(self) -> Operation | None:
        row = self._models.reference(self._entry, "read")
        answers = {200: row, 201: row} if self._api.create_on_put else {200: row}
        return self._operation(
            "replace",
            "update",
            f"Replace one of {self._entry.name}",
            self._shape,
            answers,
            keyed=True,
            body={_JSON: self._models.reference(self._entry, "replace")},
            headers={200: _ETAG, 201: _LOCATION | _ETAG},
            note=_CONDITIONAL,
        )

    def _update(self) -> Operation | None:
        patch = self._models.reference(self._entry, "update")
        return self._operation(
            "update",
            "update",
            f"Change one of {self._entry.name}",
            self._shape,
            {200: self._models.reference(self._entry, "read")},
            keyed=True,
            body={"application/merge-patch+json": patch, _JSON: patch},
            headers={200: _ETAG},
            note=_CONDITIONAL,
        )

    def _delete(self) -> Operation | None:
        return self._operation(
            "delete", "delete", f"Delete one of {self._entry.name}", [], {204: None}, keyed=True, changes=True
        )

    def _related(self, relation: RelationSpec, target: Registered) -> Operation:
        spec = target.spec
        shape = shaping(self._registry, spec)
        found = self._operation(
            "list",
            "read",
            f"List {relation.name} of one of {self._entry.name}",
            [*paging(spec, self._query), *shape],
            {200: self._models.page(target, self._query)},
            keyed=True,
            name=f"list_{self._entry.name}_{relation.name}",
            note=f"Every filter of `{self._options.prefix}/{target.name}` is taken here too. {self._paged()}",
            needs=(self._entry, target),
        )
        assert found is not None  # noqa: S101  # named operations are never hidden
        return found

    def _link(self, relation: RelationSpec, target: Registered, verb: str, words: str) -> Operation:
        found = self._operation(
            "update",
            "update",
            f"{words} {target.name}",
            [],
            {204: None},
            keyed=True,
            name=f"{verb}_{self._entry.name}_{relation.name}",
            changes=True,
            target=target,
        )
        assert found is not None  # noqa: S101  # named operations are never hidden
        found["parameters"].append(_path("related_id", key_schema(target.spec.key), f"The {target.name} row's key."))
        return found

    def _id(self, operation: str) -> str:
        given = self._api.operations.get(operation, {}).get("id")
        return str(given) if given else f"{operation}_{self._entry.name}"

    def _operation(
        self,
        operation: str,
        right: str,
        summary: str,
        parameters: list[dict[str, Any]],
        answers: Mapping[int, dict[str, Any] | None],
        *,
        keyed: bool = False,
        body: dict[str, Any] | None = None,
        headers: dict[int, dict[str, Any]] | None = None,
        links: dict[str, Any] | None = None,
        name: str | None = None,
        note: str = "",
        changes: bool = False,
        needs: tuple[Registered, ...] = (),
        target: Registered | None = None,
    ) -> Operation | None:
        if name is None and operation in self._api.hide:
            return None
        given = {} if name is not None else dict(self._api.operations.get(operation, {}))
        if given.pop("hidden", False):
            return None
        writing = body is not None or changes
        responses: dict[str, Any] = {}
        for status, schema in answers.items():
            responses[str(status)] = _answer(status, schema, (headers or {}).get(status), links)
        if operation == "list" or operation == "get":
            responses["304"] = {"description": "What `If-None-Match` names is still current."}
        responses.update(refusals(WRITING if writing else READING))
        proof = self._proof(right, needs or (self._entry,), target)
        if proof is not None:
            responses["401"] = stepping_up(proof)
            note = f"{note} Asks for {in_words(proof)}.".strip()
        responses.update(given.pop("responses", {}))
        key = [_path(self._spec.key.name, key_schema(self._spec.key), "The row's key.")] if keyed else []
        found: Operation = {
            "operationId": given.pop("id", name or f"{operation}_{self._entry.name}"),
            "summary": summary,
            "tags": list(self._api.tags) or [self._entry.name],
            "parameters": [*key, *parameters],
            "responses": responses,
            "security": self._security(right, needs or (self._entry,)),
        }
        if note:
            found["description"] = note
        if proof is not None:
            found["x-mainstay-step-up"] = {"max_age": proof.max_age, "methods": sorted(proof.methods)}
        if operation == "list":
            found["x-mainstay-cursors"] = opaque(self._query)
        if body is not None:
            content = {media: {"schema": schema} for media, schema in body.items()}
            found["requestBody"] = {"required": True, "content": content}
        found.update(given)
        return found

    def _proof(self, right: str, needs: tuple[Registered, ...], target: Registered | None) -> Proof | None:
        """What has to have been proved; a link asks for what reading its `target` asks for, too."""
        proofs = [proof_for(self._registry, entry, right) for entry in needs]
        proofs += [] if target is None else [proof_for(self._registry, target, "read")]
        found: Proof | None = None
        for proof in proofs:
            found = found if proof is None else proof & found
        return found

    def _security(self, right: str, needs: tuple[Registered, ...]) -> Security:
        open_to_all = all(fold(getattr(entry.access, right), ANONYMOUS).verdict is not False for entry in needs)
        return [{}, *self._signed] if open_to_all else self._signed


def _path(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _answer(
    status: int, schema: dict[str, Any] | None, headers: dict[str, Any] | None, links: dict[str, Any] | None
) -> dict[str, Any]:
    words = {200: "What is so now.", 201: "Created.", 204: "Done."}
    found: dict[str, Any] = {"description": words[status]}
    if schema is not None:
        found["content"] = {_JSON: {"schema": schema}}
    if headers:
        found["headers"] = headers
    if links and status == 201:
        found["links"] = links
    return found
