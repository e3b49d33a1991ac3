"""A route that answers in the words of OAuth."""

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from mainstay.base.errors import BadRequest, SignInRequired
from mainstay.identity.authenticators.errors import SecondFactorRequired
from mainstay.identity.errors import ScopeRefused
from mainstay.web.strict_routes import Handler


class GrantRoute(APIRoute):
    """Answers refusals in the words of RFC 6749 §5.2, as members of a problem."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()

        async def in_oauth_words(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError as error:
                raise _unreadable(error) from None
            except SignInRequired as error:
                raise oauth("invalid_grant", error.detail) from None
            except SecondFactorRequired:
                # This grant has no second step (RFC 9700 §2.4): it is for accounts that a password alone opens.
                raise oauth(
                    "second_factor_required", "This account has a second factor; sign in at /auth/sign-in."
                ) from None
            except ScopeRefused as error:
                raise oauth("invalid_scope", error.detail) from None

        return in_oauth_words


def oauth(error: str, detail: str) -> BadRequest:
    return BadRequest(detail, code=error, extra={"error": error, "error_description": detail})


def _unreadable(error: RequestValidationError) -> BadRequest:
    faults = {str(each["loc"][-1]): str(each["type"]) for each in error.errors()}
    if faults.get("grant_type", "missing") != "missing":
        return oauth("unsupported_grant_type", "This endpoint takes grant_type=password.")
    if faults.keys() == {"scope"}:
        return oauth("invalid_scope", "The scope is a list of names with one blank between them.")
    return oauth("invalid_request", f"Look at: {', '.join(sorted(faults))}.")
