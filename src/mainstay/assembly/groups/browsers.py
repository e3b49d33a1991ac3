"""Sessions and browsers, as settings: how long, which hosts, and what browsers are told."""

from collections.abc import Iterable
from ipaddress import ip_network

from pydantic import BaseModel, ConfigDict, Field

from mainstay.base.client_address import UNIX
from mainstay.base.errors import ConfigurationError
from mainstay.web.headers import HeaderOptions

_TWO_YEARS = 63_072_000


class SessionSettings(BaseModel):
    """How long sessions last, and how long a token may be shown again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit_days: int = Field(180, ge=1, le=3650, description="Days after which everybody signs in again.")
    unremembered_minutes: int = Field(
        480, ge=5, le=43_200, description="Minutes without use that end a session which is not remembered."
    )
    grace_seconds: int = Field(
        30, ge=6, le=300, description="Seconds in which a refresh token that was used gets the same answer again."
    )


class HeaderSettings(BaseModel):
    """What browsers are told with every answer; an empty text leaves a header out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hsts_seconds: int | None = Field(
        None, ge=0, description="Strict-Transport-Security. Default: two years where PUBLIC_URL is https, else none."
    )
    hsts_subdomains: bool = Field(False, description="Whether names below it are https alone, too.")
    frame_ancestors: str = Field(
        "'none'", pattern=r"^[\x21-\x3a\x3c-\x7e ]+$", description="Who may show pages of this app within theirs."
    )
    referrer_policy: str = Field("same-origin", pattern=r"^[a-z, -]*$", description="Referrer-Policy.")
    permissions_policy: str = Field(
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        pattern=r"^[\x20-\x7e]*$",
        description="Permissions-Policy.",
    )

    def options(self, *, https: bool) -> HeaderOptions:
        seconds = self.hsts_seconds if self.hsts_seconds is not None else (_TWO_YEARS if https else None)
        return HeaderOptions(
            hsts=seconds or None,
            hsts_subdomains=self.hsts_subdomains,
            frame_ancestors=self.frame_ancestors,
            referrer=self.referrer_policy or None,
            permissions=self.permissions_policy or None,
        )


def refuse_everybody(proxies: Iterable[str], environment: str) -> None:
    """Raises ConfigurationError where every address is a trusted proxy: then clients say themselves where they are, and
    whoever guesses passwords is at another address each time.
    """
    for each in proxies:
        try:
            everybody = each != UNIX and ip_network(each, strict=False).prefixlen == 0
        except ValueError:
            continue  # refused where it is read
        if everybody:
            raise ConfigurationError(
                f"MAINSTAY_TRUSTED_PROXIES trusts everybody ({each}), so clients would choose their own address in"
                f" {environment}.",
                fix='Name the networks of your proxies: ["10.0.0.0/8"].',
            )
