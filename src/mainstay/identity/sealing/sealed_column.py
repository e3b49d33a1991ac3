"""What a table says of a column that holds sealed values, so that `mainstay keys reseal` finds them."""

from dataclasses import dataclass

SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A value is sealed under `label`, and bound to `prefix` and the text of the row's column `bound_to`."""

    label: str
    prefix: bytes
    bound_to: str


def sealed(label: str, prefix: bytes, bound_to: str) -> dict[str, SealedColumn]:
    """The `info` of such a column: `Column("sealed", Text8(), info=sealed("identity/totp", b"totp/", "user_id"))`."""
    return {SEALED: SealedColumn(label, prefix, bound_to)}
