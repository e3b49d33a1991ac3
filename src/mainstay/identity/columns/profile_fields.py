"""The app's own columns of a user: which there are, who writes them, and how they are kept."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Select, Table, Update, bindparam, insert, select, update

from mainstay.base.errors import Conflict, FieldError, Invalid
from mainstay.identity.ports import Step
from mainstay.model.profile import UserProfile
from mainstay.model.spec import FieldSpec, Refused, describe
from mainstay.storage import errors
from mainstay.storage.control import ControlPlane
from mainstay.storage.statement import Rows


class ProfileFields:
    """The fields that the app declared; none where it declared no profile."""

    def __init__(self, model: type[UserProfile] | None) -> None:
        self.model = model
        spec = None if model is None else describe(model)
        self._fields = {} if spec is None else {n: f for n, f in spec.fields.items() if n != "user_id"}
        self.shown = {name: field for name, field in self._fields.items() if field.readable}
        self.own = {name: field for name, field in self._fields.items() if field.write == "always"}
        asked = () if model is None else model.__sign_up__
        self.at_sign_up = {name: self._fields[name] for name in asked}
        self.all: Mapping[str, FieldSpec] = self._fields
        self.columns = tuple(field.column.name for field in self._fields.values())

    async def about(self, control: ControlPlane, user: UUID) -> dict[str, Any]:
        """What its user is told who asks for everything: what they see, and what is declared as personal."""
        found = await self.get(control, user, everything=True)
        return {name: value for name, value in found.items() if name in self.shown or self._fields[name].personal}

    async def get(self, control: ControlPlane, user: UUID, *, everything: bool = False) -> dict[str, Any]:
        """JSON-ready values: those that the user sees, or with `everything` those of administrators."""
        if not self._fields:
            return {}
        statement = self._select()
        rows = await control.fetch(statement, of_user=user)
        return self.present(rows[0] if rows else None, everything=everything)

    def present(self, row: Any, *, everything: bool = False) -> dict[str, Any]:
        """The JSON-ready values of a row of `columns`; the defaults without one."""
        found = {n: f.make_default() for n, f in self._fields.items()} if row is None else self._named(row)
        chosen = self._fields if everything else self.shown
        return {name: field.to_json(found[name]) for name, field in chosen.items()}

    def accept(self, data: Mapping[str, Any], allowed: Mapping[str, FieldSpec], place: str) -> dict[str, Any]:
        """Canonical values of what was sent. Raises Invalid with every refused field."""
        values, refused = {}, []
        for name, value in data.items():
            field = allowed.get(name)
            if field is None:
                known = name in self.shown
                code = "read_only" if known else "unknown_field"
                message = "This field cannot be set here; leave it out." if known else "There is no such field."
                refused.append(FieldError(("body", place, str(name)[:100]), code, message))
                continue
            try:
                values[name] = field.accept(value)
            except Refused as error:
                refused.append(FieldError(("body", place, name), error.code, error.message))
        if refused:
            raise Invalid(errors=refused)
        return values

    def accept_sign_up(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the sign-up form's fields. Raises Invalid, also for a required one that is missing."""
        return self._whole(data, self.at_sign_up)

    def accept_new(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The values of somebody whom others make an account for. Raises Invalid as `accept_sign_up`."""
        return self._whole(data, self._fields)

    def _whole(self, data: Mapping[str, Any], asked: Mapping[str, FieldSpec]) -> dict[str, Any]:
        missing = [name for name, field in asked.items() if field.required and name not in data]
        if missing:
            message = "This field is required."
            raise Invalid(errors=[FieldError(("body", "profile", name), "missing", message) for name in missing])
        return self.accept(data, asked, "profile")

    def still_accepted(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The values of the sign-up form's fields that hold today."""
        values = {}
        for name, field in self.at_sign_up.items():
            with suppress(Refused):
                if name in data:
                    values[name] = field.accept(data[name])
        return values

    @contextmanager
    def clashes(self) -> Iterator[None]:
        """Turns a value that somebody else has into Conflict, naming the field."""
        try:
            yield
        except errors.UniqueClash as clash:
            columns = clash.columns or self._columns_of(clash.constraint)
            name = next((name for name, field in self._fields.items() if field.column.name in columns), "")
            message = "Somebody else has this value."
            told = [FieldError(("body", "profile", name), "taken", message)]
            raise Conflict(message, code="taken", errors=told) from None

    def steps(self, control: ControlPlane, user: UUID, values: Mapping[str, Any]) -> Generator[Step, Rows, None]:
        """The part of a script that keeps these values: the row is made with defaults where there is none."""
        if not values:
            return
        changed = yield control.step(self._update(tuple(sorted(values))), of_user=user, **_bound(values))
        if changed:
            return
        whole = {name: field.make_default() for name, field in self._fields.items()} | dict(values)
        lacking = [n for n, f in self._fields.items() if whole[n] is None and not f.nullable]
        if lacking:
            message = "This field is required."
            raise Invalid(errors=[FieldError(("body", "profile", name), "missing", message) for name in lacking])
        yield control.step(self._insert(), of_user=user, **_bound(whole))

    def _columns_of(self, constraint: str) -> tuple[str, ...]:
        # What PostgreSQL tells under row security.
        rules: list[Any] = [*self._table().constraints, *self._table().indexes]
        return tuple(column.name for rule in rules if rule.name == constraint for column in rule.columns)

    def _named(self, row: Any) -> dict[str, Any]:
        return dict(zip(self._fields, row, strict=True))

    def _table(self) -> Any:
        assert self.model is not None  # noqa: S101  narrows: without a model there are no fields, and nobody asks
        return self.model.__table__

    def _select(self) -> Select[Any]:
        return _select(self._table(), self.columns)

    def _update(self, names: tuple[str, ...]) -> Update:
        return _update(self._table(), tuple((name, self._fields[name].column.name) for name in names))

    def _insert(self) -> Insert:
        return _insert(self._table(), tuple((name, field.column.name) for name, field in self._fields.items()))


def _bound(values: Mapping[str, Any]) -> dict[str, Any]:
    # A prefix, since a field may be called like a bind of ours.
    return {f"field_{name}": value for name, value in values.items()}


@lru_cache
def _select(table: Table, columns: tuple[str, ...]) -> Select[Any]:
    return select(*(table.c[name] for name in columns)).where(table.c.user_id == bindparam("of_user"))


@lru_cache
def _update(table: Table, names: tuple[tuple[str, str], ...]) -> Update:
    values: dict[str, Any] = {column: bindparam(f"field_{name}") for name, column in names}
    statement = update(table).where(table.c.user_id == bindparam("of_user")).values(values)
    return statement.returning(table.c.user_id)


@lru_cache
def _insert(table: Table, names: tuple[tuple[str, str], ...]) -> Insert:
    values: dict[str, Any] = {column: bindparam(f"field_{name}") for name, column in names}
    return insert(table).values({"user_id": bindparam("of_user"), **values})
