"""The house rules that no ready-made linter knows; each yields what to change, and each is itself tested."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Finding, Source

MOST_LINES, MOST_FUNCTION_LINES, MOST_DOOR_NAMES, MOST_FILES = 400, 60, 12, 15
BANNED = {"service", "services", "util", "utils", "helper", "helpers", "manager", "managers", "common"}
# Folders of a floor that are doors of their own, because the floors above read what its users never see.
INNER_DOORS = {
    *(f"mainstay.model.{name}" for name in ("profile", "spec", "types")),
    "mainstay.access.policy",
    *(f"mainstay.identity.{name}" for name in ("administration", "catalogue")),
    *(f"mainstay.identity.{name}" for name in ("accounts", "credentials")),
    "mainstay.telemetry.audit",
    *(f"mainstay.identity.{name}" for name in ("factors", "federation", "foreign", "keys", "pages", "profiles")),
    *(f"mainstay.resources.{name}" for name in ("openapi", "rest", "transfer")),
    *(f"mainstay.storage.{name}" for name in ("control", "errors", "sealing", "sql", "statement", "types")),
    *(
        f"mainstay.storage.{name}"
        for name in ("idempotency", "migrations", "orders", "outbox", "relay", "search", "tail")
    ),
    *(f"mainstay.web.{name}" for name in ("cookies", "cors", "csrf", "headers", "pages", "refusals", "strict_routes")),
}
MARKERS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PLACES = re.compile(
    r"https?://(?!github\.com/)[^ \"']*(/simple([/\"']|$)|\.whl|\.tgz|/packages/)|pythonhosted\.org|"
    r"(?<![\w./:-])/(work|root|opt/(pypi|wheels))/"
)
# `type: ignore[code]  # why`, and `noqa: CODE  why`.
SILENCERS = (
    (r"# type: ignore", r"# type: ignore\[[\w, -]+\] +(# )?\w+"),
    (r"# noqa\b", r"# noqa: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* +(# )?\w+"),
)


def is_short_enough(source: Source) -> Iterator[Finding]:
    """A module over 400 lines is two modules; a function over 60 is two functions."""
    if len(source.lines) > MOST_LINES and not source.excused("size"):
        yield source.found(1, f"{len(source.lines)} lines; split it at {MOST_LINES}, or say why: `# house: size: …`")
    is_revision = "/versions/" in source.path  # a list of tables, read from top to bottom
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_revision:
            described = ast.get_docstring(node) is not None and len(node.body) > 1
            lines = (node.end_lineno or node.lineno) - node.body[1 if described else 0].lineno + 1
            if lines > MOST_FUNCTION_LINES and not source.excused("size", node.lineno):
                yield source.found(node.lineno, f"`{node.name}` has {lines} lines; split it at {MOST_FUNCTION_LINES}")


def opens_with_a_sentence(source: Source) -> Iterator[Finding]:
    """Every module says in its first line what it is for."""
    first = (ast.get_docstring(source.tree) or "").split("\n")[0]
    if not first:
        yield source.found(1, "the module has no docstring: open with one sentence")
    elif not re.search(r"[.:!?`]$", first):
        yield source.found(1, "the docstring's first line is not a whole sentence")


def is_named_for_what_it_does(source: Source) -> Iterator[Finding]:
    """Files named by kind swell; classes are nouns without Manager, Helper, Service or Impl."""
    words = {word for part in Path(source.path).with_suffix("").parts for word in part.split("_")}
    if source.path.startswith("src/") and words & BANNED:
        yield source.found(1, f"a file named {sorted(words & BANNED)}: name it for the thing or the deed")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and re.search(r"(Manager|Helper|Service|Utils?|Impl)$", node.name):
            yield source.found(node.lineno, f"`{node.name}`: say what it is, not what kind of class it is")


def has_a_narrow_door(source: Source) -> Iterator[Finding]:
    """A room's `__init__.py` offers at most 12 names in `__all__`, and says how the room is used alone."""
    if not source.path.endswith("__init__.py") or source.module == "mainstay":
        return
    names = exported(source.tree)
    if names is None and imports_something(source.tree):
        yield source.found(1, "a door names what it offers in `__all__`")
    if len(names or ()) > MOST_DOOR_NAMES:
        yield source.found(1, f"the door offers {len(names or ())} names; at most {MOST_DOOR_NAMES}")


def exported(tree: ast.Module) -> list[str] | None:
    """The names in `__all__`, or None where there is none."""
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(value, ast.List | ast.Tuple):
                return [
                    part.value for part in value.elts if isinstance(part, ast.Constant) and isinstance(part.value, str)
                ]
    return None


def imports_something(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.ImportFrom) for node in tree.body)


def enters_by_the_door(source: Source) -> Iterator[Finding]:
    """Other floors are entered by their `__init__.py`; `base` is words, and is read file by file."""
    for line, name in imported(source.tree):
        parts = name.split(".")
        if parts[0] != "mainstay" or source.excused("door", line):
            continue
        if len(parts) == 1 and source.room not in ("cli", "testing", ""):
            yield source.found(line, "inside the package, import the room, not `mainstay` itself")
        inner = name in INNER_DOORS or parts[1:2] == ["base"] or (source.room == "assembly" and parts[2:] == ["ports"])
        if len(parts) > 2 and source.room not in ("", parts[1]) and not inner:
            yield source.found(line, f"`{name}` is behind a door: import it from `mainstay.{parts[1]}`")


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every module that is imported, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def makes_no_scope(source: Source) -> Iterator[Finding]:
    """A TenantScope is proof that a tenant was resolved: only tenancy makes one. SystemScope: only assembly."""
    makers = {"TenantScope": {"tenancy", "testing"}, "SystemScope": {"assembly", "testing"}}
    aliases = {name: name for name in makers}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            aliases |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in makers}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            scope = aliases.get(called)
            if scope and source.room not in makers[scope] and not source.excused("scope", node.lineno):
                yield source.found(
                    node.lineno, f"{scope} is made only in {sorted(makers[scope])}; take one as an argument"
                )


def reads_no_environment(source: Source) -> Iterator[Finding]:
    """The environment is read in assembly/settings.py alone; everything else takes options."""
    if source.module == "mainstay.assembly.settings":
        return
    for node in ast.walk(source.tree):
        read = isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
        taken = (
            isinstance(node, ast.ImportFrom)
            and node.module == "os"
            and any(a.name in ("environ", "getenv") for a in node.names)
        )
        if (read or taken) and not source.excused("environment", getattr(node, "lineno", 0)):
            yield source.found(getattr(node, "lineno", 1), "the environment is read in assembly/settings.py alone")


def is_finished(source: Source) -> Iterator[Finding]:
    """No markers of work to come, and no NotImplementedError."""
    for number, comment in source.comments:
        if MARKERS.search(comment):
            yield source.found(number, "a marker of unfinished work: do it, or make an issue of it")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
            yield source.found(node.lineno, "NotImplementedError: write it, or leave it out")


def leaves_no_body_out(source: Source) -> Iterator[Finding]:
    """No function is three dots, outside a Protocol."""
    protocols = {
        id(member)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        for member in node.body
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and id(node) not in protocols and is_empty(node):
            yield source.found(node.lineno, f"`{node.name}` has no body")


def is_empty(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    if any(re.search(r"overload|abstract", ast.unparse(decorator)) for decorator in node.decorator_list):
        return False
    last = node.body[-1]
    return isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and last.value.value is Ellipsis


def gives_reasons(source: Source) -> Iterator[Finding]:
    """Every `type: ignore` and `noqa` names what it silences, and says why."""
    for number, comment in source.comments:
        for silenced, well in SILENCERS:
            if re.search(silenced, comment) and not re.search(well, comment):
                yield source.found(number, "silenced without a code and a reason: `# …[code]  why it is right here`")


def mocks_nothing(source: Source) -> Iterator[Finding]:
    """Tests go through the door on real engines; our own code is never mocked."""
    for line, name in imported(source.tree):
        if name == "unittest.mock" or name.startswith("unittest.mock.") or name == "pytest_mock":
            yield source.found(line, "no mocks: use the real thing, or an engine made for tests")


def names_no_place(path: str, text: str) -> Iterator[Finding]:
    """No committed line names a package index's host or a path of somebody's machine."""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := PLACES.search(line):
            yield Finding(path, number, f"names a place of one machine or index: {match.group()!r}")


ON_SOURCE = (
    is_short_enough,
    opens_with_a_sentence,
    is_named_for_what_it_does,
    has_a_narrow_door,
    enters_by_the_door,
    makes_no_scope,
    reads_no_environment,
    is_finished,
    leaves_no_body_out,
    gives_reasons,
)
ON_TESTS = (is_short_enough, opens_with_a_sentence, is_finished, gives_reasons, mocks_nothing)
