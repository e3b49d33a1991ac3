"""`evaluate`: a rule judged on one row in Python, with the outcome SQL would have."""

from collections.abc import Mapping
from typing import Any

from mainstay.access.policy.judge import Related
from mainstay.access.policy.prepare import PreparedRule
from mainstay.base.actor import Actor

_NONE: Related = {}


def evaluate(
    prepared: PreparedRule, actor: Actor, row: Mapping[str, Any], related: Related | None = None
) -> bool | None:
    """True, False, or None for UNKNOWN. Only True admits.

    `row` holds canonical values of `prepared.fields`; `related` those of `prepared.paths`, keyed by the path, None
    where a row on the way is missing. Raises LookupError when one of them is not there.
    """
    return prepared.judge(actor, row, _NONE if related is None else related)
