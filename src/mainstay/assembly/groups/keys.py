"""Signing keys, as settings."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mainstay.identity.keys import KeyOptions


class KeySettings(BaseModel):
    """With what tokens are signed, and how often the key is another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    algorithm: Literal["ES256", "RS256", "Ed25519"] = "ES256"
    rotate_days: float = Field(90, ge=0, le=3650)
    publish_seconds: int = Field(86_400, ge=2, le=30 * 86_400)
    overlap_seconds: int = Field(3600, ge=0, le=30 * 86_400)

    def options(self) -> KeyOptions:
        return KeyOptions(self.algorithm, self.rotate_days, self.publish_seconds, self.overlap_seconds)
