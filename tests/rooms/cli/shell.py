"""Commands typed in a folder of their own, in this process: as users type them, without waiting for Python to start."""

import json
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mainstay.cli import main

APP = '''"""A shop."""

from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from mainstay import Access, Mainstay, Resource, anyone, field, owned, owner, ref, role, row
from sqlalchemy.orm import Mapped, relationship


class Base(Resource, family=True):
    __abstract__ = True


class Status(StrEnum):
    draft = "draft"
    published = "published"


class Author(Base):
    """Somebody who writes."""

    __tablename__ = "authors"
    __access__ = Access(read=anyone, write=role("editor"))

    name: Mapped[str] = field(max_length=40, unique=True)


class Book(Base):
    """Something written."""

    __tablename__ = "books"
    __access__ = Access(read=(row.status == "published") | owner, write=owner | role("editor"))

    title: Mapped[str] = field(max_length=40, search=True)
    price: Mapped[Decimal] = field(gt=0)
    author_id: Mapped[UUID | None] = ref(Author)
    author: Mapped[Author | None] = relationship()
    owner_id: Mapped[UUID | None] = owned()
    status: Mapped[Status] = field(default=Status.draft)


app = Mainstay(title="Shop", resources=[Author, Book])
'''


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        return json.loads(self.err)["error"]


class Shell:
    """Types commands in `folder`."""

    app = APP

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capture = capture
        self._patch = patch

    def __call__(self, *arguments: str, stdin: str = "") -> Ended:
        """Run one command; what it loaded is forgotten, as when a process ends."""
        self._patch.setattr(sys, "stdin", StringIO(stdin))
        before, path = dict(sys.modules), list(sys.path)
        self._capture.readouterr()
        code = 0
        try:
            main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        finally:
            # Also where another test left a module by this name: ours took its place.
            for name in [name for name, module in sys.modules.items() if self._is_ours(module)]:
                del sys.modules[name]
                if name in before and not self._is_ours(before[name]):
                    sys.modules[name] = before[name]
            sys.path[:] = path
        out, err = self._capture.readouterr()
        return Ended(code, out, err)

    def _is_ours(self, module: ModuleType) -> bool:
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]
        return any(place.startswith(str(self.folder)) for place in places)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
