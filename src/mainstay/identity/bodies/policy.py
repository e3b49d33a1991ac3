"""What a tenant asks of its members, as its administrators see and set it."""

from pydantic import BaseModel, ConfigDict


class PolicyAnswer(BaseModel):
    """How it is. With `second_factor_required` a member holds no role before they have shown one."""

    second_factor_required: bool


class Policy(BaseModel):
    """How it shall be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    second_factor_required: bool
