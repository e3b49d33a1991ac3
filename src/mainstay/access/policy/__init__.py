"""Rules at work: prepared for a resource, folded for a caller, compiled to SQL, evaluated on a row, explained.

from mainstay.access.policy import compile_rule, evaluate, fold, prepare

policy = prepare(Book.__access__, describe(Book))
folded = fold(policy.read, actor)              # verdict True or False, or a rest that depends on the row
condition = compile_rule(folded, books)        # values: folded.binds("rule")
evaluate(policy.update, actor, row) is True    # only TRUE admits
"""

from mainstay.access.policy.compile import compile_rule
from mainstay.access.policy.evaluate import evaluate
from mainstay.access.policy.explain import Explanation, explain
from mainstay.access.policy.fold import Folded, fold
from mainstay.access.policy.masks import FieldRules, readable_fields, writable_fields
from mainstay.access.policy.prepare import PreparedAccess, PreparedRule, prepare

__all__ = [
    "Explanation",
    "FieldRules",
    "Folded",
    "PreparedAccess",
    "PreparedRule",
    "compile_rule",
    "evaluate",
    "explain",
    "fold",
    "prepare",
    "readable_fields",
    "writable_fields",
]
