"""Proof of who is calling, as it stands in the headers (RFC 6750)."""

from collections.abc import Iterable

from mainstay.base.errors import SignInRequired


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The bearer token, or None where no bearer token is offered.

    Raises SignInRequired for a token that is not one (RFC 6750 §2.1), and for two of them.
    """
    found: str | None = None
    for name, value in headers:
        if name != b"authorization" or value[:7].lower() != b"bearer ":
            continue
        if found is not None:
            raise SignInRequired("Two access tokens were sent; send one.", error="invalid_request")
        token = value[7:].strip(b" \t")
        if not token or b" " in token or not token.isascii():
            raise SignInRequired("The Authorization header holds no token.", error="invalid_token")
        found = token.decode("ascii")
    return found
