"""Forms as browsers send them: what was filled in, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from mainstay.base.errors import BadRequest, FieldError, Invalid, Rejected, UnsupportedMediaType
from mainstay.model.spec import FieldSpec, Refused
from mainstay.web.pages import Wording

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 100
T = TypeVar("T", bound=BaseModel)
# Never shown again, whatever was wrong with the form.
SECRET = frozenset({"password", "current_password", "new_password", "code", "csrf_token"})
PROFILE = "profile."


class Form:
    """What was filled in, by field; empty before anything was."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def shown(self, name: str) -> str:
        """What the field may be filled with again."""
        return "" if name in SECRET else self[name]

    def read(self, body: type[T], *required: str, optional: tuple[str, ...] = (), **more: Any) -> T:
        """The body that the JSON route takes, from these fields; an optional one that is empty is left out.

        Raises Invalid, naming the fields as they are called here.
        """
        given: dict[str, Any] = {name: self[name] for name in required}
        given |= {name: self[name].strip() for name in optional if self[name].strip()}
        try:
            return body.model_validate(given | more)
        except ValidationError as error:
            raise Invalid(
                errors=[FieldError(("body", *each["loc"]), each["type"], each["msg"]) for each in error.errors()]
            ) from None

    def profile(self, fields: Mapping[str, FieldSpec]) -> dict[str, Any]:
        """JSON-ready values of the app's own fields; what is empty is left out, or null where that may be said."""
        values: dict[str, Any] = {}
        refused = []
        for name, field in fields.items():
            text = self[PROFILE + name].strip()
            try:
                if field.kind == "boolean":
                    values[name] = PROFILE + name in self
                elif text:
                    values[name] = field.to_json(field.parse(text))
                elif field.nullable:
                    values[name] = None
            except Refused as error:
                refused.append(FieldError(("body", "profile", name), error.code, error.message))
        if refused:
            raise Invalid(errors=refused)
        return values


EMPTY = Form({})


async def read_form(request: Request) -> Form:
    """The form of this request. Raises UnsupportedMediaType or BadRequest for what no form of ours sends."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise UnsupportedMediaType("A form is sent as application/x-www-form-urlencoded.")
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest("This form cannot be read.") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise BadRequest("A field stands twice in this form.")
        # Browsers send line breaks of their own, and lone halves of a character are replaced by them.
        fields[name] = value
    return Form(fields)


class Refusal:
    """What was wrong, in the visitor's language: a sentence for all of it, and one for each field."""

    def __init__(self, error: Rejected, say: Wording) -> None:
        self.status = 400 if error.status == 401 else error.status  # a 401 would ask for another kind of proof
        self.code = error.problem_code
        self.fields = {_name(each): _sentence(each, say) for each in error.errors}
        if "recovery_code" in self.fields:
            # Both are typed into one field.
            self.fields.setdefault("code", self.fields.pop("recovery_code"))
        self.retry_after = error.headers.get("Retry-After")
        self.message = self._whole(error, say)

    def _whole(self, error: Rejected, say: Wording) -> str:
        if self.code == "too_many_requests" and self.retry_after:
            return say("errors.too_many_requests", seconds=self.retry_after)
        if self.fields:
            return say("errors.fields")
        key = f"errors.{self.code}"
        return say(key) if key in say else (error.detail or str(error))


def _name(error: FieldError) -> str:
    return ".".join(str(part) for part in error.loc if part != "body")


def _sentence(error: FieldError, say: Wording) -> str:
    for key in (f"errors.{_name(error)}.{error.code}", f"errors.{error.code}", f"errors.{_name(error)}"):
        if key in say:
            return say(key)
    return error.message
