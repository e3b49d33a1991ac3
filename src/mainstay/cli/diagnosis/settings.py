"""The settings: what is set for the environment it runs in."""

from collections.abc import Iterator

from mainstay.assembly import Settings
from mainstay.cli.diagnosis.finding import Finding, ok, warn


def look_at_settings(settings: Settings) -> Iterator[Finding]:
    """Settings that cannot be used at all were refused before this: the app would not have loaded."""
    yield ok("environment", settings.environment)
    yield _secret(settings)
    if settings.relaxed:
        yield warn(
            "guards",
            f"{settings.environment} relaxes some of them",
            "Where strangers come: MAINSTAY_ENVIRONMENT=production",
        )
        return
    yield ok("guards", "on")
    if settings.public_url:
        yield ok("public address", settings.public_url)
    else:
        yield warn(
            "public address",
            "not set, so links name the listening address",
            "MAINSTAY_PUBLIC_URL=https://api.example.com",
        )
    if settings.password_grant:
        yield warn("password grant", "on; browsers' apps should not hold passwords", "Remove MAINSTAY_PASSWORD_GRANT.")


def _secret(settings: Settings) -> Finding:
    if settings.secret_key is not None:
        return ok("secret", "set")
    return warn(
        "secret",
        "made up for development and kept in .mainstay/secret",
        "Elsewhere set MAINSTAY_SECRET_KEY: python -c 'import secrets; print(secrets.token_urlsafe(48))'",
    )
