"""The app that a command or a test is about: found by file, by module, or made by a factory."""

import importlib
import importlib.util
import inspect
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import SecretStr

from mainstay.assembly.application import Mainstay
from mainstay.base.errors import ConfigurationError, MainstayError

DEFAULT = "app.py"
FACTORIES = ("create_app", "make_app", "get_app")


@dataclass(frozen=True, slots=True)
class Loaded:
    """An app, the name it goes by, and the folder its file lies in."""

    app: Mainstay
    name: str
    folder: Path
    target: str


def load(target: str = DEFAULT) -> Loaded:
    """The app of `app.py`, `app.py:name`, `package.module:name`, where the name may be a factory without arguments.

    Without MAINSTAY_DATABASE_URL its database is `<file's name>.db` beside the file. Raises ConfigurationError, with
    the line where the app's own code went wrong.
    """
    place, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    is_file = place.endswith(".py") or "/" in place or Path(place).is_dir()
    module = _from_file(Path(place)) if is_file else _from_module(place)
    app = _app_of(module, name, target)
    file = Path(module.__file__ or place).resolve()
    stem = file.parent.name if file.stem == "__init__" else file.stem
    settings = app.settings
    if "database_url" not in settings.model_fields_set:
        url = SecretStr(f"sqlite:///{file.parent / stem}.db")
        settings = settings.model_copy(update={"database_url": url})
    app.configure(settings, folder=file.parent)
    return Loaded(app, stem, file.parent, target)


def _from_file(path: Path) -> ModuleType:
    if path.is_dir():
        path = path / DEFAULT
    if not path.is_file():
        fix = "Name the file that holds your app, or make a project: mainstay new shop"
        raise ConfigurationError(f"there is no file {path}.", fix=fix)
    path = path.resolve()
    root, parts = path.parent, [path.stem]
    while (root / "__init__.py").exists():
        # Inside a package the file goes by its full name, so that its relative imports work.
        parts.insert(0, root.name)
        root = root.parent
    if parts[-1] == "__init__":
        parts.pop()
    dotted = ".".join(parts)
    _importable(root)
    known = sys.modules.get(dotted)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    if len(parts) > 1:
        return _run(lambda: importlib.import_module(dotted), path)
    spec = importlib.util.spec_from_file_location(dotted, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is not a Python file.", fix="Name a file that ends in .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[dotted] = module
    loader = spec.loader

    def execute() -> ModuleType:
        loader.exec_module(module)
        return module

    return _run(execute, path)


def _from_module(dotted: str) -> ModuleType:
    _importable(Path.cwd())
    if not all(part.isidentifier() for part in dotted.split(".")):
        raise ConfigurationError(f"{dotted!r} names no file and no module.", fix="Write app.py, or package.module:app.")
    return _run(lambda: importlib.import_module(dotted), Path(dotted.split(".")[0]))


def _importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _run(work: Any, path: Path) -> ModuleType:
    """Import, and turn what the app's own code raises into a sentence that names its line."""
    try:
        module: ModuleType = work()
        return module
    except MainstayError:
        raise
    except SyntaxError as error:
        where = f"{Path(error.filename or path).name} line {error.lineno}"
        raise ConfigurationError(f"{where} is not Python: {error.msg}.", fix="Correct that line.") from error
    except ModuleNotFoundError as error:
        fix = f"Install it into the environment of {sys.executable}, or correct the name."
        raise ConfigurationError(f"{_place(error, path)} imports {error.name}, which is not there.", fix=fix) from error
    except Exception as error:
        told = f"{type(error).__name__}: {error}".rstrip(": ").splitlines()[0]
        fix = f"To see the whole traceback: {Path(sys.executable).name} -c 'import {path.stem}'"
        raise ConfigurationError(f"{_place(error, path)} raises {told}.", fix=fix) from error


def _place(error: Exception, path: Path) -> str:
    """The innermost line of the user's own code, else the file."""
    frames = traceback.extract_tb(error.__traceback__)
    library = Path(__file__).resolve().parents[2]
    theirs = [
        frame
        for frame in frames
        if not frame.filename.startswith(("<", sys.prefix, str(library), sys.base_prefix + "/lib/python"))
    ]
    return f"{Path(theirs[-1].filename).name} line {theirs[-1].lineno}" if theirs else path.name


def _app_of(module: ModuleType, name: str, target: str) -> Mainstay:
    found = getattr(module, name, None) if name else _only_app(module)
    where = Path(module.__file__ or target).name
    if found is None:
        apps = [key for key, value in vars(module).items() if isinstance(value, Mainstay)]
        there = f" It has: {', '.join(apps)}." if apps else ""
        what = f"{where} has no {name!r}.{there}" if name else f"{where} makes no Mainstay app."
        fix = f"Name one of them: {target.split(':')[0]}:{apps[0]}" if apps else "Add: app = Mainstay(resources=[...])"
        raise ConfigurationError(what, fix=fix)
    if not isinstance(found, Mainstay) and callable(found) and not inspect.isclass(found):
        factory = found
        module_path = Path(module.__file__ or target)
        found = _call(factory, module_path)
    if not isinstance(found, Mainstay):
        what = f"{where}:{name or 'app'} is a {type(found).__name__} and not a Mainstay app."
        raise ConfigurationError(what, fix="Make it with: app = Mainstay(resources=[...])")
    return found


def _call(factory: Any, path: Path) -> Any:
    made: list[Any] = []

    def work() -> ModuleType:
        made.append(factory())
        return sys.modules[__name__]

    _run(work, path)
    return made[0]


def _only_app(module: ModuleType) -> Any:
    named = getattr(module, "app", None) or getattr(module, "application", None)
    if named is not None:
        return named
    apps = [value for value in vars(module).values() if isinstance(value, Mainstay)]
    if len(apps) == 1:
        return apps[0]
    return None if apps else next((vars(module)[each] for each in FACTORIES if each in vars(module)), None)
