"""Files go in and come out the same, on both engines; what is refused is told and the rest goes in."""

import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mainstay.base.errors import ConfigurationError, Forbidden
from mainstay.resources.transfer import Progress, export_rows, import_rows
from mainstay.resources.transfer.stored import stored_columns
from tests.databases import Urls
from tests.rooms.resources.rest.library import OTHER_TENANT, Library, caller, open_library

NOWHERE = "0190f6a2-7c1e-7000-8000-3f2b8c0d9e11"


@pytest.fixture
async def library(urls: Urls) -> AsyncIterator[Library]:
    async with open_library(urls) as opened:
        yield opened


def key(number: int) -> str:
    return str(UUID(int=(0x0190F6A27C1E7 << 76) | (0x8 << 60) | number))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def books(count: int, authors: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": key(1000 + n),
            "title": f'Book, "{n}"\nnext line',
            "summary": None if n % 3 else "",
            "price": f"{n % 90 + 1}.{n % 10000:04d}",
            "pages": n if n % 2 else None,
            "status": "draft" if n % 5 else "published",
            "sold_at": "2026-01-31T12:00:00.123456Z" if n % 4 else None,
            "words": ["a", 'b"c', ","][: n % 4],
            "extra": {"n": n, "x": [1, None]} if n % 7 else None,
            "isbn": str(n),
            "author_id": authors[n % len(authors)],
            "tag_ids": [],
        }
        for n in range(count)
    ]


async def with_authors(library: Library, folder: Path) -> list[str]:
    keys = [key(n) for n in range(5)]
    rows = [{"id": each, "name": f"Author {n}"} for n, each in enumerate(keys)]
    report = await import_rows(library.records, caller("admin"), "authors", write(folder / "authors.ndjson", rows))
    assert (report.created, report.refused) == (5, 0)
    return keys


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson"])
async def test_rows_imported_from_one_file_are_exported_the_same(library: Library, tmp_path: Path, ending: str) -> None:
    rows = books(450, await with_authors(library, tmp_path))
    source = write(tmp_path / "books.ndjson", rows)
    before = await library.sizes()
    report = await import_rows(library.records, caller("admin"), "books", source, batch=200)
    assert (report.created, report.refused, report.refusals_file) == (450, 0, None)
    after = await library.sizes()
    assert after["books"] == 450
    assert after["mainstay_outbox"] == before["mainstay_outbox"] + 450

    target = tmp_path / f"out.{ending}"
    seen: list[Progress] = []
    exported = await export_rows(library.records, caller("admin"), "books", target, progress=seen.append)
    assert exported.rows == 450
    assert [each.done for each in seen] == [200, 400, 450]
    if ending == "ndjson":
        assert [json.loads(line) for line in target.read_text().splitlines()] == rows
    if ending == "json":
        assert json.loads(target.read_text()) == rows
    if ending == "csv":
        with target.open(newline="") as file:
            assert [row["title"] for row in csv.DictReader(file)] == [row["title"] for row in rows]

    again = await import_rows(library.records, caller("admin"), "books", target)
    assert (again.created, again.updated, again.unchanged, again.refused) == (0, 0, 450, 0)
    assert await library.sizes() == after
    abroad = caller("admin", OTHER_TENANT)
    await import_rows(library.records, abroad, "authors", tmp_path / "authors.ndjson")
    moved = await import_rows(library.records, abroad, "books", target)
    assert (moved.created, moved.refused) == (450, 0)
    copy = tmp_path / f"copy.{ending}"
    await export_rows(library.records, abroad, "books", copy)
    assert copy.read_bytes() == target.read_bytes()


async def test_refused_rows_are_reported_with_line_and_reason_and_the_rest_goes_in(
    library: Library, tmp_path: Path
) -> None:
    author = (await with_authors(library, tmp_path))[0]
    rows: list[Any] = books(30, [author])
    rows[3]["price"] = "-1"
    rows[4]["nonsense"] = 1
    rows[5]["author_id"] = NOWHERE
    rows[6]["isbn"] = "2"
    rows[7]["id"] = "no-key"
    path = write(tmp_path / "books.ndjson", rows)
    path.write_text(path.read_text() + "{broken\n" + "[1]\n")
    report = await import_rows(library.records, caller("admin"), "books", path, batch=10)
    assert (report.created, report.refused) == (25, 7)
    assert report.refusals_file == tmp_path / "books.ndjson.refused.ndjson"
    told = {each["line"]: each for each in map(json.loads, report.refusals_file.read_text().splitlines())}
    assert sorted(told) == [4, 5, 6, 7, 8, 31, 32]
    assert told[4]["reason"].startswith("price: ")
    assert told[4]["row"]["title"] == rows[3]["title"]
    assert "nonsense" in told[5]["reason"]
    assert told[6]["reason"].startswith("author_id: ")
    assert told[7]["reason"].startswith("isbn: ")
    assert told[8]["reason"].startswith("id: ")
    assert "JSON" in told[31]["reason"]
    assert (await library.sizes())["books"] == 25

    rows[3]["price"] = "1"
    write(path, [rows[3]])
    mended = await import_rows(library.records, caller("admin"), "books", path)
    assert (mended.created, mended.refused) == (1, 0)
    assert not (tmp_path / "books.ndjson.refused.ndjson").exists()


async def test_a_second_run_goes_on_where_the_first_stopped(library: Library, tmp_path: Path) -> None:
    rows = books(60, await with_authors(library, tmp_path))
    for row in rows[::2]:
        del row["id"]

    def stop(now: Progress) -> None:
        if now.done >= 40:
            raise KeyboardInterrupt

    path = write(tmp_path / "books.ndjson", rows)
    with pytest.raises(KeyboardInterrupt):
        await import_rows(library.records, caller("admin"), "books", path, batch=20, progress=stop)
    assert (await library.sizes())["books"] == 40
    report = await import_rows(library.records, caller("admin"), "books", path, batch=20)
    assert (report.created, report.unchanged, report.refused) == (20, 40, 0)
    rows[1]["title"] = "Another"
    changed = await import_rows(library.records, caller("admin"), "books", write(path, rows), batch=20)
    assert (changed.created, changed.updated, changed.unchanged) == (0, 1, 59)
    assert (await library.client.get(f"/api/v1/books/{rows[1]['id']}")).json()["title"] == "Another"


async def test_rows_go_in_as_the_caller_and_in_the_callers_tenant(library: Library, tmp_path: Path) -> None:
    path = write(tmp_path / "authors.ndjson", [{"id": key(1), "name": "Ada"}])
    before = await library.sizes()
    with pytest.raises(Forbidden):
        await import_rows(library.records, caller("reader"), "authors", path)
    assert await library.sizes() == before
    await import_rows(library.records, caller("admin"), "authors", path)
    assert (await library.client.get(f"/api/v1/authors/{key(1)}")).status_code == 200
    abroad = await library.client.get(f"/api/v1/authors/{key(1)}", headers={"X-Tenant": "other"})
    assert abroad.status_code == 404


async def test_what_mainstay_stamps_is_passed_over_and_a_strange_column_is_refused(
    library: Library, tmp_path: Path
) -> None:
    path = tmp_path / "authors.csv"
    path.write_text("id,name,created_at,row_version,book_count\n,Ada,2020-01-01T00:00:00Z,7,3\n")
    report = await import_rows(library.records, caller("admin"), "authors", path)
    assert (report.created, report.refused) == (1, 0)
    path.write_text("id,nmae\n,Ada\n")
    with pytest.raises(ConfigurationError, match="Did you mean name"):
        await import_rows(library.records, caller("admin"), "authors", path)


async def test_links_travel_as_keys(library: Library, tmp_path: Path) -> None:
    tags = [await library.create("tags", name=name) for name in ("poetry", "prose")]
    book = await library.book(tag_ids=[tag["id"] for tag in tags])
    assert "tag_ids" in stored_columns(library.records, "books")
    for ending in ("csv", "ndjson"):
        path = tmp_path / f"books.{ending}"
        await export_rows(library.records, caller("admin"), "books", path)
        again = await import_rows(library.records, caller("admin"), "books", path)
        assert (again.unchanged, again.updated, again.refused) == (1, 0, 0)
        await library.client.delete(f"/api/v1/books/{book['id']}")
        back = await import_rows(library.records, caller("admin"), "books", path)
        assert (back.created, back.refused) == (1, 0)
        linked = (await library.client.get(f"/api/v1/books/{book['id']}/tags?sort=name&fields=name")).json()["items"]
        assert linked == [{"name": "poetry"}, {"name": "prose"}]
