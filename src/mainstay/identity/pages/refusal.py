"""What was wrong, in the visitor's words."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mainstay.base.errors import FieldError, Rejected
from mainstay.model.spec import FieldSpec
from mainstay.web.pages import Wording


class Refusal:
    """A sentence for all of it, and one for each field. `fields` are the app's own, whose limits are told.

    Our own refusals are told by their code, so that no English detail reaches a German page. What the app refuses by
    codes of its own is told in the app's words, unless its folder has others for the code.
    """

    def __init__(self, error: Rejected, say: Wording, fields: Mapping[str, FieldSpec]) -> None:
        self.status = 400 if error.status == 401 else error.status  # a 401 would ask for another kind of proof
        self.code = error.problem_code
        self.fields = {_name(each): _sentence(each, say, fields) for each in error.errors}
        if "recovery_code" in self.fields:
            # Both are typed into one field.
            self.fields.setdefault("code", self.fields.pop("recovery_code"))
        self.retry_after = error.headers.get("Retry-After")
        self.message = self._whole(error, say)

    def _whole(self, error: Rejected, say: Wording) -> str:
        if self.code == "too_many_requests" and self.retry_after:
            return say("errors.too_many_requests", seconds=self.retry_after)
        if self.fields and not (len(self.fields) == 1 and "" in self.fields):
            return say("errors.fields")
        if "" in self.fields:
            return self.fields[""]
        key = f"errors.{self.code}"
        return say(key) if key in say else (error.detail or say("errors.rejected"))


def told(code: str, say: Wording) -> str:
    """What a code in an address says of a sign-in or a link elsewhere that came to nothing."""
    key = f"errors.{code}"
    return say(key) if key in say else say("errors.federation")


def _name(error: FieldError) -> str:
    return ".".join(str(part) for part in error.loc if part != "body")


def _sentence(error: FieldError, say: Wording, fields: Mapping[str, FieldSpec]) -> str:
    name = _name(error)
    kind, _, own = name.partition(".")
    keys = (f"errors.{name}.{error.code}", f"errors.{kind}.{error.code}", f"errors.{error.code}", f"errors.{name}")
    for key in keys:
        if key in say:
            return say(key, **_limits(fields.get(own)))
    return error.message


def _limits(field: FieldSpec | None) -> dict[str, Any]:
    return {} if field is None else asdict(field.constraints)
