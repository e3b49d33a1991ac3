"""`Access`: which rule guards which operation, and which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mainstay.access.rules import Operand, Rule, as_rule

AnyRule = Rule | Operand


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """Who may read and who may write one field, beside what the resource's rules say. None adds nothing."""

    read: AnyRule | None = None
    write: AnyRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of one resource. An operation without a rule is left to administrators.

    `write` stands for create, update and delete where they have no rule of their own. `create` sees the new row;
    `update` must hold before and after the change; rows that `read` does not admit do not exist for the caller.
    `fields` masks single fields. Administrators pass every rule unless `admins=False`.
    """

    read: AnyRule | None = None
    create: AnyRule | None = None
    update: AnyRule | None = None
    delete: AnyRule | None = None
    write: AnyRule | None = None
    fields: Mapping[str, Mask] = field(default_factory=dict)
    admins: bool = True

    def rule(self, operation: str) -> Rule | None:
        """The rule for read, create, update or delete; None where only administrators may."""
        found = {"read": self.read, "create": self.create, "update": self.update, "delete": self.delete}[operation]
        if found is None and operation != "read":
            found = self.write
        return None if found is None else as_rule(found)
