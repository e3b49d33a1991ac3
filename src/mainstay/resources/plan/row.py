"""The plan of one row: found by its key, shown with its version."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, select

from mainstay.resources.answers import Answer
from mainstay.resources.cursors import Cursors
from mainstay.resources.plan.context import PlanContext, Run, Steps
from mainstay.resources.plan.expansion import Expansion, expansions, fill
from mainstay.resources.plan.select.face import Face, Objects
from mainstay.resources.plan.select.serialise import body_tag, dumps
from mainstay.resources.plan.select.sources import Source
from mainstay.resources.query import ListQuery
from mainstay.storage.statement import Raw, Statement, compile_statement

KEY = "row_key"


@dataclass(slots=True, eq=False)
class RowPlan:
    """Everything about showing one row, for one shape of policy.

    `tag` stands for the representation where the row's version says all the rest; else the body is hashed.
    """

    statement: Statement
    key: Callable[[Any], Any] | None
    objects: Objects
    expansions: tuple[Expansion, ...]
    version: Callable[[Any], str]
    tag: str | None


def plan_row(context: PlanContext, query: ListQuery) -> RowPlan:
    """Compile the look-up of one row by its key."""
    source = Source(context.lens_of(query.resource))
    face = Face(context.registry, source, context.lens_of, context.dialect, query.fields)
    planned = expansions(context, face, query.expand)
    version = version_reader(face, context.cursors)
    key = source.spec.key
    where = and_(*source.visible(), source.stored(key.name) == bindparam(KEY, type_=key.column.type))
    statement = compile_statement(select(*face.columns).where(where), context.dialect)
    return RowPlan(
        statement=statement,
        key=dict(statement.converters).get(KEY),
        objects=face.objects([each.name for each in planned]),
        expansions=planned,
        version=version,
        tag=face.tag() if face.plain and not planned else None,
    )


def version_reader(face: Face, cursors: Cursors) -> Callable[[Any], str]:
    """The function from a row to its version. Where no column keeps one, a seal of what is stored stands for it."""
    column = face.spec.version_column
    if column is not None:
        place = face.raw(column)
        return lambda row: str(row[place])
    places = [face.stored(name) for name in face.spec.fields]

    def digest(row: Any) -> str:
        # Sealed, not only hashed: whoever knows the fields they see could else try out those they do not.
        return cursors.mark(repr([row[place] for place in places]).encode())

    return digest


def read_row(plan: RowPlan, run: Run, key: Any) -> Steps[Answer | None]:
    """Fetch the row with this key (canonical) and give its representation; None where there is none to be seen."""
    rows = yield plan.statement, Raw(run.values, **{KEY: key if plan.key is None else plan.key(key)})
    if not rows:
        return None
    objects = plan.objects(rows)
    if plan.expansions:
        yield from fill(run, plan.expansions, rows, objects)
    body = dumps(objects[0])
    version = plan.version(rows[0])
    return Answer(body, f'"{version}.{plan.tag or body_tag(body)}"', version)
