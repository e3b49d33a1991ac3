"""Second factors, as settings."""

import difflib
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from mainstay.base.errors import ConfigurationError
from mainstay.identity.factors import FactorOptions, is_installed


class FactorSettings(BaseModel):
    """Which second factors there are, and who must have one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    totp: bool | None = None
    passkeys: bool | None = None
    title: str | None = Field(None, min_length=1, max_length=60)
    rp_id: str | None = Field(None, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$", max_length=253)
    origins: tuple[str, ...] = ()
    verification: Literal["required", "preferred", "discouraged"] = "preferred"
    required_for: frozenset[str] = frozenset()
    fresh_seconds: int = Field(600, ge=30, le=86_400)
    ticket_seconds: int = Field(300, ge=30, le=3600)
    attempts: int = Field(5, ge=1, le=20)

    def refuse_unknown_roles(self, roles: Sequence[str]) -> None:
        """Raises ConfigurationError for a role that nobody can hold: nobody would need a second factor for it."""
        for role in sorted(self.required_for.difference(roles)):
            near = difflib.get_close_matches(role, roles, n=1)
            raise ConfigurationError(
                f"MAINSTAY_FACTORS__REQUIRED_FOR names {role}, which is no role of this app.",
                fix=f"Did you mean {near[0]}?" if near else f"There are {', '.join(roles)}.",
            )

    def options(self, *, title: str, public_url: str | None, port: int, relaxed: bool) -> FactorOptions:
        """Raises ConfigurationError for what is wanted and cannot be."""
        rp_id, origins = self._place(public_url, port, relaxed)
        for name, wanted in (("totp", self.totp), ("passkeys", self.passkeys)):
            if wanted and not is_installed("totp" if name == "totp" else "passkeys"):
                raise ConfigurationError(
                    f"MAINSTAY_FACTORS__{name.upper()} is on, and what it needs is not installed.",
                    fix=f"pip install 'mainstay[{name}]'",
                )
        if self.passkeys and rp_id is None:
            raise ConfigurationError(
                "MAINSTAY_FACTORS__PASSKEYS is on, and a passkey has to know which domain it is for.",
                fix="Set MAINSTAY_PUBLIC_URL to the app's https:// address, or MAINSTAY_FACTORS__RP_ID and __ORIGINS.",
            )
        return FactorOptions(
            totp=self.totp is not False,
            title=self.title or title,
            rp_id=None if self.passkeys is False else rp_id,
            origins=origins,
            verification=self.verification,
            fresh_seconds=self.fresh_seconds,
            ticket_seconds=self.ticket_seconds,
            attempts=self.attempts,
            required_for=self.required_for,
        )

    def _place(self, public_url: str | None, port: int, relaxed: bool) -> tuple[str | None, tuple[str, ...]]:
        """The domain that passkeys are for, and the origins whose pages may use them."""
        own = None if public_url is None else "{0.scheme}://{0.netloc}".format(urlsplit(public_url.lower()))
        if own is None and relaxed and not self.origins:
            # A secure context for browsers, unlike the same machine's address.
            own = f"http://localhost:{port}"
        origins = tuple(dict.fromkeys([*([own] if own else []), *self.origins]))
        rp_id = self.rp_id or (None if own is None else urlsplit(own).hostname)
        if rp_id is None or (self.rp_id is None and _is_address(rp_id)):
            return None, ()
        for origin in origins:
            _refuse_foreign(origin, rp_id, relaxed)
        return rp_id, origins


def _refuse_foreign(origin: str, rp_id: str, relaxed: bool) -> None:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    plain = parts.scheme == "http" and not (relaxed or host == "localhost")
    if parts.scheme not in ("http", "https") or plain or parts.path or parts.query or origin != origin.lower():
        raise ConfigurationError(
            f"MAINSTAY_FACTORS__ORIGINS names {origin!r}, which is no origin that passkeys are used from.",
            fix='Write origins as ["https://app.example"]: https, lower case, without a path.',
        )
    if host != rp_id and not host.endswith(f".{rp_id}"):
        raise ConfigurationError(
            f"Pages of {origin} cannot use passkeys for {rp_id}: it is not their domain, nor above it.",
            fix="Set MAINSTAY_FACTORS__RP_ID to a domain that all origins are of.",
        )


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
