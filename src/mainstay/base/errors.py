"""Every error Mainstay raises, drawn as one tree.

MainstayError
├── Rejected                    the caller's request is refused: becomes application/problem+json
│   ├── BadRequest              400  the request cannot be understood
│   │   ├── UnknownParameter    400  a query parameter nobody declared (names the nearest)
│   │   ├── MalformedBody       400  the body is not what its content type says
│   │   └── CursorRefused       400  a cursor that is forged, truncated, or of another query
│   ├── SignInRequired          401  no proof of who is calling (carries WWW-Authenticate)
│   │   └── StepUpRequired      401  the proof is too old, or too weak, for this
│   ├── Forbidden               403  known, and not allowed
│   ├── NotFound                404  nothing with that name is visible to you
│   ├── MethodNotAllowed        405  (carries Allow)
│   ├── RequestTimeout          408  the body came too slowly
│   ├── Conflict                409  the stored state contradicts the request
│   ├── PreconditionFailed      412  If-Match names another version
│   ├── BodyTooLarge            413
│   ├── UnsupportedMediaType    415
│   ├── Invalid                 422  understood, but the values are not acceptable
│   ├── PreconditionRequired    428
│   ├── TooManyRequests         429  a limit is reached (carries Retry-After)
│   ├── InternalError           500  ours; says nothing but the request id
│   ├── Unavailable             503  try again later (carries Retry-After)
│   └── StorageFull             507
├── ConfigurationError          the operator must change something; shown at start-up
└── TenantViolation             a guard stopped a statement or flush that crosses tenants: a bug, never an answer
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

# What acr_values name (OpenID PAPE 1.0 §4): more than one factor.
MULTI_FACTOR = "http://schemas.openid.net/pape/policies/2007/06/multi-factor"


class MainstayError(Exception):
    """The root: catch this to catch everything Mainstay raises on purpose."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused value: where it stands, a stable code, a sentence for people."""

    loc: tuple[str | int, ...]
    code: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        return {"loc": list(self.loc), "code": self.code, "message": self.message}


class Rejected(MainstayError):
    """A refusal the caller is told about, in the shape of RFC 9457.

    `detail` is for the caller. `fix` is for the operator: it reaches logs and the console only.
    """

    code: ClassVar[str] = "rejected"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "Request refused"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        fix: str | None = None,
        code: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or (type(self).__doc__ or type(self).title).splitlines()[0])
        self.detail = detail
        self.errors = tuple(errors)
        self.headers: dict[str, str] = dict(headers or {})
        self.fix = fix
        self.problem_code = code or type(self).code
        self.extra: dict[str, Any] = dict(extra or {})


class BadRequest(Rejected):
    """The request cannot be understood."""

    code, status, title = "bad_request", 400, "Bad request"


class UnknownParameter(BadRequest):
    """A query parameter that this route does not declare."""

    code = "unknown_parameter"


class MalformedBody(BadRequest):
    """The body is not what its content type says it is."""

    code = "malformed_body"


class CursorRefused(BadRequest):
    """A cursor that is forged, truncated, or belongs to another query or tenant."""

    code = "cursor_refused"


class SignInRequired(Rejected):
    """No acceptable proof of who is calling. Answers carry WWW-Authenticate (RFC 6750 §3)."""

    code, status, title = "sign_in_required", 401, "Sign in required"

    def __init__(self, detail: str = "Sign in, or send a valid access token.", *, error: str | None = None) -> None:
        challenge = 'Bearer realm="mainstay"' + (f', error="{error}"' if error else "")
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class StepUpRequired(SignInRequired):
    """The proof of who is calling is too old, or too weak, for this (RFC 9470 §3)."""

    code = "insufficient_user_authentication"

    def __init__(self, max_age: int | None = None, *, second_factor: bool = False) -> None:
        super().__init__(
            "Prove with a second factor that it is you, at /auth/step-up."
            if second_factor
            else "Prove once more that it is you, at /auth/step-up."
        )
        challenge = 'Bearer realm="mainstay", error="insufficient_user_authentication"'
        challenge += f', error_description="{self.detail}"'
        if second_factor:
            challenge += f', acr_values="{MULTI_FACTOR}"'
            self.extra["acr_values"] = MULTI_FACTOR
        if max_age is not None:
            challenge += f', max_age="{max_age}"'
            self.extra["max_age"] = max_age
        self.headers["WWW-Authenticate"] = challenge


class Forbidden(Rejected):
    """The caller is known, and may not do this."""

    code, status, title = "forbidden", 403, "Forbidden"

    @classmethod
    def missing_scopes(cls, *scopes: str) -> "Forbidden":
        """A 403 that names the scopes that would have been enough (RFC 6750 §3.1 `insufficient_scope`)."""
        named = " ".join(sorted(scopes))
        return cls(
            f"This needs the scope {named}.",
            code="insufficient_scope",
            headers={"WWW-Authenticate": f'Bearer realm="mainstay", error="insufficient_scope", scope="{named}"'},
            extra={"missing_scopes": sorted(scopes)},
        )

    @classmethod
    def missing_roles(cls, *roles: str) -> "Forbidden":
        """A 403 that names the roles of which one would have been enough."""
        named = ", ".join(sorted(roles))
        detail = f"This needs the role {named}." if len(roles) == 1 else f"This needs one of the roles {named}."
        return cls(detail, code="insufficient_role", extra={"missing_roles": sorted(roles)})


class NotFound(Rejected):
    """Nothing with that name is visible to you."""  # also when it exists but is not yours

    code, status, title = "not_found", 404, "Not found"


class MethodNotAllowed(Rejected):
    """The resource exists and does not answer to this method."""

    code, status, title = "method_not_allowed", 405, "Method not allowed"


class RequestTimeout(Rejected):
    """The body did not arrive in time (RFC 9110 §15.5.9); the connection is closed."""

    code, status, title = "request_timeout", 408, "Request timeout"

    def __init__(self, detail: str = "The body did not arrive in time.") -> None:
        super().__init__(detail, headers={"Connection": "close"})


class Conflict(Rejected):
    """What is stored contradicts the request."""

    code, status, title = "conflict", 409, "Conflict"


class PreconditionFailed(Rejected):
    """The row has changed since the version named in If-Match (RFC 9110 §13.1.1)."""

    code, status, title = "precondition_failed", 412, "Precondition failed"


class BodyTooLarge(Rejected):
    """The body is over the limit; it was not read."""

    code, status, title = "body_too_large", 413, "Body too large"


class UnsupportedMediaType(Rejected):
    """The body's content type is not one this route reads."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class Invalid(Rejected):
    """The values were understood and are not acceptable; `errors` says which and why."""

    code, status, title = "invalid", 422, "Values not acceptable"


class PreconditionRequired(Rejected):
    """This resource is changed only with If-Match (RFC 6585 §3)."""

    code, status, title = "precondition_required", 428, "If-Match required"


class TooManyRequests(Rejected):
    """A limit is reached (RFC 6585 §4); `violated-policies` names it. Answers carry Retry-After."""

    code, status, title = "too_many_requests", 429, "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: int = 1, policies: Sequence[str] = ()) -> None:
        super().__init__(
            detail or f"Try again in {retry_after} seconds.",
            headers={"Retry-After": str(retry_after)},
            extra={"violated-policies": list(policies)},
        )


class InternalError(Rejected):
    """Something broke on our side. The answer names the request id and nothing else."""

    code, status, title = "internal_error", 500, "Internal error"


class Unavailable(Rejected):
    """Something the answer depends on is away. Answers carry Retry-After."""

    code, status, title = "unavailable", 503, "Temporarily unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1, fix: str | None = None, code: str | None = None):
        super().__init__(detail, headers={"Retry-After": str(retry_after)}, fix=fix, code=code)


class StorageFull(Rejected):
    """The disk that holds the database is full; nothing was written (RFC 4918 §11.5)."""

    code, status, title = "storage_full", 507, "Storage full"


class ConfigurationError(MainstayError):
    """Mainstay cannot start as configured: what is so, and in `fix` what to do about it."""

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what} {fix}")
        self.what = what
        self.fix = fix


class TenantViolation(MainstayError):
    """A guard stopped a statement or flush that would have crossed a tenant's border."""
