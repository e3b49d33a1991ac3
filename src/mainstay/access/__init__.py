"""Say who may do what, in rules that filter lists in SQL and judge single rows alike.

    from mainstay.access import Access, owner, role, row

    Access(read=(row.status == "published") | owner, write=owner | role("editor"))

What the floors above do with rules (prepare, fold, compile, evaluate, explain) is in `mainstay.access.policy`.
"""

from mainstay.access.access import Access, Mask
from mainstay.access.atoms import actor, anyone, owner, role, row, scope, signed_in
from mainstay.access.proofs import recent, second_factor
from mainstay.access.rules import Rule

__all__ = [
    "Access",
    "Mask",
    "Rule",
    "actor",
    "anyone",
    "owner",
    "recent",
    "role",
    "row",
    "scope",
    "second_factor",
    "signed_in",
]
