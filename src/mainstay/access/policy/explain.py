"""`explain`: why a rule admits a caller to a row or not, part by part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.access.policy.judge import Related, judging
from mainstay.access.policy.prepare import PreparedRule
from mainstay.access.policy.resolve import Value
from mainstay.access.rules import Both, Compare, Constant, Contained, Either, HasRole, HasScope, Negated, Null, Rule
from mainstay.base.actor import Actor


@dataclass(frozen=True, slots=True)
class Explanation:
    """One part of a rule: its text, its outcome (None is UNKNOWN), and its own parts."""

    text: str
    outcome: bool | None
    parts: tuple["Explanation", ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented lines, `TRUE`, `FALSE` or `UNKNOWN` first."""
        word = {True: "TRUE   ", False: "FALSE  ", None: "UNKNOWN"}[self.outcome]
        yield f"{word} {'  ' * depth}{self.text}"
        for part in self.parts:
            yield from part.lines(depth + 1)


def explain(
    prepared: PreparedRule, actor: Actor, row: Mapping[str, Any], related: Related | None = None
) -> Explanation:
    """The rule's outcome for this caller and row, with the outcome of every part of it."""
    return _explain(prepared.rule, actor, row, related or {})


def _explain(rule: Rule, actor: Actor, row: Mapping[str, Any], related: Related) -> Explanation:
    inner: tuple[Rule, ...] = ()
    match rule:
        case Both(parts) | Either(parts):
            inner = parts
        case Negated(part):
            inner = (part,)
    return Explanation(
        text=describe_rule(rule),
        outcome=judging(rule)(actor, row, related),
        parts=tuple(_explain(part, actor, row, related) for part in inner),
    )


def describe_rule(rule: Rule) -> str:
    """The rule as it would be written."""
    match rule:
        case Both(parts):
            return " & ".join(_inner(part) for part in parts)
        case Either(parts):
            return " | ".join(_inner(part) for part in parts)
        case Negated(part):
            return f"~{_inner(part)}"
        case Constant(value):
            return "anyone" if value else "nobody"
        case HasRole(names):
            return f"role({', '.join(map(repr, sorted(names)))})"
        case HasScope(names):
            return f"scope({', '.join(map(repr, sorted(names)))})"
        case Compare(_, _, _, label) if label is not None:
            return label
        case Compare(sign, left, right):
            return f"{_side(left)} {sign} {_side(right)}"
        case Contained(left, values):
            return f"{_side(left)}.in_({_side(values)})"
        case Null(operand):
            return f"{_side(operand)}.is_null()"
    return "signed_in"


def _inner(rule: Rule) -> str:
    text = describe_rule(rule)
    simple = isinstance(rule, Constant | HasRole | HasScope | Negated) or text in ("owner", "signed_in")
    return text if simple else f"({text})"


def _side(operand: Any) -> str:
    if isinstance(operand, Value):
        value = operand.value
        return repr([_shown(item) for item in value]) if isinstance(value, tuple) else repr(_shown(value))
    return str(operand)


def _shown(value: Any) -> Any:
    plain = getattr(value, "value", value)
    return plain if isinstance(plain, str | int | float | bool) else str(plain)
