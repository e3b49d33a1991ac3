"""Accounts and passwords, as settings."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from mainstay.base.errors import ConfigurationError
from mainstay.identity.accounts import AccountOptions
from mainstay.identity.credentials import PasswordOptions

# Argon2id is not to cost less than any of OWASP's five settings: KiB of memory, and the same times the passes.
LEAST_MEMORY, LEAST_WORK = 7168, 35_840


class AccountSettings(BaseModel):
    """Who may sign in, and how long letters and graces last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verified: bool | None = None
    links: HttpUrl | None = None
    by_mail: bool = True
    verify_hours: int = Field(24, ge=1, le=720)
    reset_minutes: int = Field(60, ge=5, le=1440)
    invite_hours: int = Field(7 * 24, ge=1, le=720)
    code_minutes: int = Field(10, ge=1, le=60)
    code_attempts: int = Field(5, ge=1, le=20)
    grace_days: int = Field(30, ge=0, le=3650)

    def options(self, *, relaxed: bool, address: str) -> AccountOptions:
        """`relaxed` lets accounts be used at once; `address` is where the app is, whose pages letters lead to."""
        return AccountOptions(
            verified=not relaxed if self.verified is None else self.verified,
            links=str(self.links) if self.links else f"{address.rstrip('/')}/auth",
            by_mail=self.by_mail,
            verify_hours=self.verify_hours,
            reset_minutes=self.reset_minutes,
            invite_hours=self.invite_hours,
            code_minutes=self.code_minutes,
            code_attempts=self.code_attempts,
            grace_days=self.grace_days,
        )

    def refuse_plain(self, environment: str) -> None:
        """Raises ConfigurationError for links that would carry what opens accounts in clear."""
        if self.links is not None and self.links.scheme != "https":
            raise ConfigurationError(
                f"MAINSTAY_ACCOUNTS__LINKS is not an https address, so what letters hold to open accounts would travel"
                f" in clear in {environment}.",
                fix="Name the https:// address of the pages that letters lead to.",
            )


class PasswordSettings(BaseModel):
    """Which passwords are taken, and what hashing them costs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum: int = Field(8, ge=8, le=128)
    strength: int = Field(2, ge=0, le=4)
    breached: Path | None = None
    memory_kib: int = Field(19 * 1024, ge=8, le=4 * 1024 * 1024)
    passes: int = Field(2, ge=1, le=100)
    lanes: int = Field(1, ge=1, le=64)
    threads: int = Field(2, ge=1, le=256)
    queue: int = Field(32, ge=1, le=10_000)
    patience: float = Field(0.5, ge=0, le=1)

    def options(self) -> PasswordOptions:
        return PasswordOptions(**self.model_dump())

    def refuse_cheap(self, environment: str) -> None:
        """Raises ConfigurationError for hashes whose passwords are found at once by whoever gets hold of them."""
        if self.memory_kib < LEAST_MEMORY or self.memory_kib * self.passes < LEAST_WORK:
            raise ConfigurationError(
                f"MAINSTAY_PASSWORDS__MEMORY_KIB={self.memory_kib} with MAINSTAY_PASSWORDS__PASSES={self.passes} makes"
                f" hashes from which passwords are guessed too fast for {environment}.",
                fix="Leave both out, or take one of OWASP's: 47104 and 1, 19456 and 2, 12288 and 3, 9216 and 4, 7168"
                " and 5.",
            )
