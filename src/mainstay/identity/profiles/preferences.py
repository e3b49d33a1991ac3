"""What users choose for themselves: a JSON object, typed and with defaults where the app declared a model for it."""

from collections.abc import Generator, Mapping
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from sqlalchemy import bindparam, insert, select, update

from mainstay.base.errors import FieldError, Invalid, NotFound
from mainstay.identity.ports import Step
from mainstay.identity.profiles.change_profile import HOLD_USER
from mainstay.identity.profiles.tables import preferences as t
from mainstay.identity.room import Room
from mainstay.model.spec import field_errors
from mainstay.storage.statement import Rows

LONGEST = 8_192
DEEPEST = 16
GET = select(t.c.chosen).where(t.c.user_id == bindparam("user"))
CHANGE = (
    update(t)
    .where(t.c.user_id == bindparam("user"))
    .values(chosen=bindparam("chosen"), updated_at=bindparam("now"))
    .returning(t.c.user_id)
)
ADD = insert(t).values({c.name: bindparam(c.name) for c in t.c})


class Preferences:
    """The preferences of an app's users. Only what differs from the defaults is kept, so that defaults can change."""

    def __init__(self, model: type[BaseModel] | None) -> None:
        self._model = None if model is None else strict(model)

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the app's model; empty without one."""
        return {} if self._model is None else self._model.model_json_schema()

    async def get(self, room: Room, user: UUID) -> dict[str, Any]:
        """All of them, defaults filled in. What was kept and is no longer acceptable counts as not chosen."""
        rows = await room.control.fetch(GET, user=user)
        return self._whole(rows[0][0] if rows else {})

    async def change(self, room: Room, user: UUID, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Merge the patch into them (RFC 7396: null forgets a choice). Answers all. Raises Invalid."""
        kept: dict[str, Any] = await room.control.write(self._change(room, user, patch))
        return self._whole(kept)

    def _change(self, room: Room, user: UUID, patch: Mapping[str, Any]) -> Generator[Step, Rows, dict[str, Any]]:
        if not (yield room.control.step(HOLD_USER, user=user)):
            raise NotFound("There is no such user.")
        rows = room.control.read(GET, (yield room.control.step(GET, user=user)))
        kept = self._acceptable(rows[0][0]) if rows else {}
        chosen = self._chosen(merged(kept, patch))
        if not (yield room.control.step(CHANGE, user=user, chosen=chosen, now=room.now())):
            yield room.control.step(ADD, user_id=user, chosen=chosen, updated_at=room.now())
        return chosen

    def _chosen(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if self._model is not None:
            try:
                found = self._model.model_validate_json(orjson.dumps(wanted))
            except ValidationError as error:
                raise Invalid(errors=[_in_body(each) for each in field_errors(error)]) from None
            wanted = found.model_dump(mode="json", exclude_unset=True)
        if len(orjson.dumps(wanted)) > LONGEST:
            message = f"Preferences take at most {LONGEST} bytes."
            raise Invalid(message, errors=[FieldError(("body",), "too_long", message)])
        return wanted

    def _whole(self, kept: dict[str, Any]) -> dict[str, Any]:
        if self._model is None:
            return kept
        whole: dict[str, Any] = self._model.model_validate(self._acceptable(kept)).model_dump(mode="json")
        return whole

    def _acceptable(self, kept: dict[str, Any]) -> dict[str, Any]:
        if self._model is None:
            return kept
        try:
            self._model.model_validate_json(orjson.dumps(kept))
        except ValidationError as error:
            refused = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
            return {name: value for name, value in kept.items() if name not in refused}
        return kept


def strict(model: type[BaseModel]) -> type[BaseModel]:
    """The model, refusing names that it does not declare."""
    if model.model_config.get("extra") == "forbid":
        return model
    made: type[BaseModel] = create_model(model.__name__, __base__=model)
    made.model_config = ConfigDict(**{**model.model_config, "extra": "forbid"})
    made.model_rebuild(force=True)
    return made


def merged(target: Any, patch: Any, depth: int = 0) -> Any:
    """RFC 7396 §2. Raises Invalid for what is nested too deep."""
    if depth > DEEPEST:
        message = f"Nest at most {DEEPEST} levels deep."
        raise Invalid(message, errors=[FieldError(("body",), "depth", message)])
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, depth + 1)
    return result


def _in_body(error: FieldError) -> FieldError:
    return FieldError(("body", *error.loc), error.code, error.message)
