"""`Access`: which rule guards which operation, and which field."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mainstay.access.rules import Operand, Rule, as_rule
from mainstay.base.errors import ConfigurationError
from mainstay.base.proof import Proof

OPERATIONS = ("read", "create", "update", "delete")
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

    `step_up` says by operation (`write` as above) how lately, and by what, whoever the rules admit has to have proved
    who they are: `recent(900)`, `second_factor()`. Nobody is above it. What `read` asks for, every operation asks for.
    """

    read: AnyRule | None = None
    create: AnyRule | None = None
    update: AnyRule | None = None
    delete: AnyRule | None = None
    write: AnyRule | None = None
    fields: Mapping[str, Mask] = field(default_factory=dict)
    admins: bool = True
    step_up: Mapping[str, Proof] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = (*OPERATIONS, "write")
        for name, proof in self.step_up.items():
            if name not in known:
                raise ConfigurationError(
                    f"step_up names {name!r}, which is no operation.", fix=f"Name one of {', '.join(known)}."
                )
            if not isinstance(proof, Proof):
                raise ConfigurationError(
                    f"step_up asks for {proof!r} to {name}, which is no proof.",
                    fix="Write recent(seconds) or second_factor(max_age).",
                )

    def rule(self, operation: str) -> Rule | None:
        """The rule for read, create, update or delete; None where only administrators may."""
        found = {"read": self.read, "create": self.create, "update": self.update, "delete": self.delete}[operation]
        if found is None and operation != "read":
            found = self.write
        return None if found is None else as_rule(found)

    def proofs(self) -> dict[str, Proof]:
        """What `step_up` comes to for read, create, update and delete, where it asks for anything."""
        read, found = self.step_up.get("read"), {}
        for operation in OPERATIONS:
            own = self.step_up.get(operation) or (None if operation == "read" else self.step_up.get("write"))
            wanted = own & read if own is not None else read
            if wanted is not None:
                found[operation] = wanted
        return found
