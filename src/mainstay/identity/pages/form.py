"""Forms as browsers send them: what was filled in, and the file that came along."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from mainstay.base.errors import BadRequest, BodyTooLarge, FieldError, Invalid, UnsupportedMediaType

FORM, WITH_FILE = "application/x-www-form-urlencoded", "multipart/form-data"
# Of an API key's scopes each is a field.
MOST_FIELDS = 600
# Around a file: the other fields, and what multipart adds.
BESIDE = 16_384
# A file that is too large is read to its end, up to here: a browser that is cut off shows no answer.
DRAINED = 16_777_216
T = TypeVar("T", bound=BaseModel)
# Never shown again, whatever was wrong with the form.
SECRET = frozenset({"password", "current_password", "new_password", "code", "csrf_token"})


class Form:
    """What was filled in, by field; empty before anything was. `file` is what was chosen, if anything."""

    def __init__(self, fields: Mapping[str, str], file: bytes = b"") -> None:
        self._fields, self.file = fields, file

    def __getitem__(self, name: str) -> str:
        return self._fields.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def shown(self, name: str) -> str:
        """What the field may be filled with again."""
        return "" if name in SECRET else self[name]

    def below(self, prefix: str) -> list[str]:
        """What follows the prefix, of every field that begins with it."""
        return [name.removeprefix(prefix) for name in self._fields if name.startswith(prefix)]

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


EMPTY = Form({})


async def read_form(request: Request) -> Form:
    """The form of this request. Raises UnsupportedMediaType or BadRequest for what no form of ours sends."""
    if _media_type(request) != FORM:
        raise UnsupportedMediaType("A form is sent as application/x-www-form-urlencoded.")
    body = await request.body()
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise BadRequest("This form cannot be read.") from None
    # Browsers send line breaks of their own, and lone halves of a character are replaced by them.
    return Form(_once(pairs))


async def read_upload(request: Request, largest: int) -> Form:
    """A form with one file of at most `largest` bytes. Raises BodyTooLarge beside what `read_form` does."""
    if _media_type(request) != WITH_FILE:
        raise UnsupportedMediaType("A form with a file is sent as multipart/form-data.")
    content = await _bounded(request, largest + BESIDE)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield content

    try:
        parser = MultiPartParser(request.headers, stream(), max_files=1, max_fields=10, max_part_size=BESIDE)
        parts = await parser.parse()
    except (MultiPartException, UnicodeDecodeError):
        raise BadRequest("This form cannot be read.") from None
    files = [value for _, value in parts.multi_items() if isinstance(value, UploadFile)]
    try:
        file = await files[0].read() if files else b""
    finally:
        await parts.close()
    return Form(_once([(name, value) for name, value in parts.multi_items() if isinstance(value, str)]), file)


async def _bounded(request: Request, most: int) -> bytes:
    content, total = bytearray(), 0
    async for part in request.stream():
        total += len(part)
        if total <= most:
            content += part
        elif total > DRAINED:
            break
    if total > most:
        raise BodyTooLarge
    return bytes(content)


def _once(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise BadRequest("A field stands twice in this form.")
        fields[name] = value
    return fields


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
