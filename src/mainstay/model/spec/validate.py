"""From input to values: the schema, the field checks, the defaults; then the row's own checks and hooks."""

import difflib
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from mainstay.base.errors import FieldError, Invalid
from mainstay.model.behaviour import When
from mainstay.model.rows import Draft, RowView
from mainstay.model.spec.field_spec import FieldSpec
from mainstay.model.spec.resource_spec import ResourceSpec
from mainstay.model.spec.schemas import field_errors
from mainstay.model.types import Refused

UNKNOWN, HINTS = 50, 5
"""How many unknown names of one row are told, and how many of them with a guess at what was meant."""
Written = Literal["create", "replace", "update"]


def validated(spec: ResourceSpec, operation: Written, data: Any, *, keep_key: bool = False) -> dict[str, Any]:
    """Canonical values by field name. Raises Invalid with every refused field.

    For create and replace every field that clients may write is there, defaults filled in (create: the defaults of
    the other fields too); for update only those sent. `keep_key` lets the data carry the row's own key (imports, a PUT
    that creates).
    """
    own = getattr(spec.options, operation)
    if own is not None:
        data = _through(own, data, partial=operation == "update")
    if not isinstance(data, Mapping):
        raise Invalid("Send an object.", errors=[FieldError((), "type", "Send an object.")])
    fields = spec.writable(operation)
    if keep_key:
        fields = {spec.key.name: spec.key, **fields}
    errors = [] if own is not None else _unknown(spec, fields, data)
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in data:
            try:
                values[name] = field.accept(data[name])
            except Refused as refused:
                errors.append(FieldError((name,), refused.code, refused.message))
        elif operation != "update":
            if field.required and field is not spec.key:
                errors.append(FieldError((name,), "missing", "This field is required."))
            elif field is not spec.key:
                values[name] = field.make_default()
    _check_fields(spec, values, errors)
    if errors:
        raise Invalid(errors=errors)
    if operation == "create":
        for field in spec.unsent_defaults:
            values.setdefault(field.name, field.make_default())
    return values


def _through(schema: type[BaseModel], data: Any, *, partial: bool) -> Any:
    try:
        return schema.model_validate(data).model_dump(exclude_unset=partial)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from error


def _unknown(spec: ResourceSpec, fields: Mapping[str, FieldSpec], data: Mapping[str, Any]) -> list[FieldError]:
    found = []
    for name in data:
        if name in fields:
            continue
        if name in spec.fields or name in spec.computed or name in spec.counts or name in spec.relations:
            found.append(FieldError((name,), "read_only", "This field cannot be set here; leave it out."))
            continue
        if len(found) >= UNKNOWN:
            break
        # A hint costs more than a name: thousands of strange names must not hold up everybody else.
        near = difflib.get_close_matches(str(name)[:80], fields, n=1) if len(found) < HINTS else []
        hint = f" Did you mean {near[0]}?" if near else ""
        found.append(FieldError((name,), "unknown_field", f"There is no such field.{hint}"))
    return found


def _check_fields(spec: ResourceSpec, values: dict[str, Any], errors: list[FieldError]) -> None:
    for rule in spec.checks:
        if rule.field is None or values.get(rule.field) is None:
            continue
        try:
            changed = rule.call(spec.model, values[rule.field])
            if changed is not None:
                values[rule.field] = spec.fields[rule.field].accept(changed)
        except (ValueError, Invalid) as error:
            errors.extend(_reasons(error, (rule.field,)))


def run_checks(spec: ResourceSpec, draft: RowView) -> None:
    """The checks that look at the whole row as it is going to be. Raises Invalid with all their refusals."""
    errors: list[FieldError] = []
    for rule in spec.checks:
        if rule.field is None and not rule.database:
            try:
                rule.call(draft)
            except (ValueError, Invalid) as error:
                errors.extend(_reasons(error, ()))
    if errors:
        raise Invalid(errors=errors)


async def run_database_checks(spec: ResourceSpec, draft: RowView, records: Any) -> None:
    """The checks that look rows up, one after the other. Raises Invalid."""
    errors: list[FieldError] = []
    for rule in spec.checks:
        if rule.database:
            try:
                await rule.call(draft, records)
            except (ValueError, Invalid) as error:
                errors.extend(_reasons(error, ()))
    if errors:
        raise Invalid(errors=errors)


async def run_hooks(spec: ResourceSpec, when: When, operation: str, row: Draft | RowView) -> None:
    """Call the hooks of this moment in order. A ValueError of a before-hook becomes Invalid."""
    for hook in spec.hooks_for(when, operation):
        try:
            made = hook.call(row)
            if hook.is_async:
                await made
        except ValueError as error:
            if when != "before":
                raise
            raise Invalid(errors=_reasons(error, ())) from error


def _reasons(error: ValueError | Invalid, loc: tuple[str | int, ...]) -> list[FieldError]:
    if isinstance(error, Invalid):
        return list(error.errors) or [FieldError(loc, "check", error.detail)]
    if isinstance(error, Refused):
        return [FieldError(loc, error.code, error.message)]
    return [FieldError(loc, "check", str(error))]
