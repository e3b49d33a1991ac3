"""The audit log, as settings."""

from pydantic import BaseModel, ConfigDict, Field

from mainstay.telemetry.audit import AuditOptions


class AuditSettings(BaseModel):
    """What is audited beside sign-ins, accounts and what administrators do, and how long it is kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: bool = False
    kept_days: int | None = Field(None, ge=1)
    nobody_days: int = Field(90, ge=1)

    def options(self) -> AuditOptions:
        return AuditOptions(every=self.every, kept_days=self.kept_days, nobody_days=self.nobody_days)
