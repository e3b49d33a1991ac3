"""`mainstay audit`, and the commands that tell and erase what is held about a person."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainstay.storage import DatabaseOptions, open_database
from mainstay.telemetry.audit.chain import chaining
from tests.databases import Urls
from tests.rooms.cli.shell import Shell

PASSWORD = "correct horse battery"
DEFAULT = "00000000-0000-7000-8000-000000000001"


def made(shell: Shell, email: str = "ada@example.com") -> str:
    """A user; their id."""
    ended = shell("users", "create", "--email", email, "--password", PASSWORD, "--json")
    assert ended.code == 0, ended.err
    return str(ended.json["id"])


def test_what_was_done_at_the_command_line_is_listed_exported_and_proved(shop_on_both: Shell) -> None:
    ada = made(shop_on_both)
    listed = shop_on_both("audit", "list", "--user", "ada@example.com", "--json")
    assert listed.code == 0, listed.err
    (entry,) = [each for each in listed.json if each["name"] == "account.created"]
    assert (entry["user_id"], entry["origin"]) == (ada, {"by": "the command line"})
    assert "account.created" in shop_on_both("audit", "list").out
    exported = shop_on_both("audit", "export", "--since", "1h", "--name", "account.*", "--out", "audit.jsonl")
    assert exported.code == 0, exported.err
    assert [json.loads(line)["user_id"] for line in Path("audit.jsonl").read_text().splitlines()] == [ada]
    verified = shop_on_both("audit", "verify", "--json")
    assert (verified.code, verified.json["holds"], verified.json["waiting"]) == (0, True, 0)
    assert shop_on_both("audit", "list", "--since", "yesterday").code == 2
    assert shop_on_both("audit", "list", "--tenant", "nowhere").code == 1
    assert shop_on_both("audit", "list", "--user", "nobody@example.com").code == 1


def test_a_changed_entry_is_named_and_the_exit_code_says_so(shop: Shell) -> None:
    made(shop)
    made(shop, "bob@example.com")
    assert shop("audit", "anchor", "--out", "anchors.jsonl").code == 0
    import pysqlite3  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415  untyped

    connection = pysqlite3.connect("app.db", isolation_level=None)
    connection.execute("DROP TRIGGER mainstay_audit_unchanged")
    connection.execute("UPDATE mainstay_audit SET name = 'nothing' WHERE tenant_id = ? AND seq = 2", (DEFAULT,))
    connection.close()
    broken = shop("audit", "verify", "--json")
    assert broken.code == 1
    assert broken.error["message"].startswith(f"the chain {DEFAULT} is broken at entry 2")
    (chain,) = [each for each in broken.json["chains"] if each["chain"] == DEFAULT]
    assert (chain["holds"], chain["broken_at"]) == (False, 2)


def test_anchors_that_were_kept_are_looked_for(shop: Shell) -> None:
    made(shop)
    assert shop("audit", "anchor", "--out", "anchors.jsonl").code == 0
    made(shop, "bob@example.com")
    assert shop("audit", "verify", "--anchors", "anchors.jsonl").code == 0
    kept = [json.loads(line) for line in Path("anchors.jsonl").read_text().splitlines()]
    Path("anchors.jsonl").write_text("".join(json.dumps({**each, "hash": "f" * 64}) + "\n" for each in kept))
    assert shop("audit", "verify", "--anchors", "anchors.jsonl").code == 1
    Path("anchors.jsonl").write_text("{}\n")
    refused = shop("audit", "verify", "--anchors", "anchors.jsonl")
    assert (refused.code, "Traceback" in refused.err) == (1, False)


def test_old_entries_are_pruned_and_the_rest_is_proved(shop: Shell) -> None:
    made(shop)
    made(shop, "bob@example.com")
    pruned = shop("audit", "prune", "--before", "2100-01-01", "--json")
    assert pruned.code == 0, pruned.err
    assert pruned.json[DEFAULT] >= 1
    assert shop("audit", "verify").code == 0


def test_a_person_is_told_and_erased(shop_on_both: Shell) -> None:
    ada = made(shop_on_both)
    told = shop_on_both("users", "export", "ada@example.com", "--out", "ada.json", "--json")
    assert (told.code, told.json["user_id"]) == (0, ada), told.err
    assert json.loads(Path("ada.json").read_text())["account"]["users"]["email"] == "ada@example.com"
    assert shop_on_both("users", "erase", "ada@example.com", "--json").code == 1, "not without being sure"
    erased = shop_on_both("users", "erase", "ada@example.com", "--yes")
    assert erased.code == 0, erased.err
    assert ada in erased.out
    assert shop_on_both("users", "list", "--json").json == []
    assert shop_on_both("users", "erase", "ada@example.com", "--yes").code == 1
    entries = shop_on_both("audit", "list", "--user", ada, "--json").json
    assert all(each["origin"] in ({}, {"erased": True}) for each in entries)
    assert shop_on_both("audit", "verify").code == 0


@contextmanager
def hanging_chainer(urls: Urls) -> Iterator[None]:
    """Somebody who holds the lock of the chain, and does nothing."""
    holds, ends = threading.Event(), threading.Event()

    async def hang() -> None:
        database = open_database(DatabaseOptions(urls.database_url, urls.system_url))
        await database.open()
        try:
            held = await database.engine.hold(chaining.LOCK)
            assert held is not None
            holds.set()
            while not ends.is_set():
                await asyncio.sleep(0.02)
            await held.let_go()
        finally:
            await database.close()

    thread = threading.Thread(target=lambda: asyncio.run(hang()))
    thread.start()
    try:
        assert holds.wait(20)
        yield
    finally:
        ends.set()
        thread.join()


def test_what_is_not_chained_yet_is_said_and_the_exit_code_says_so(
    shop_on_both: Shell, urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chaining, "PATIENCE", 0.2)
    made(shop_on_both)
    with hanging_chainer(urls):
        listed = shop_on_both("audit", "list", "--json")
        assert (listed.code, listed.json) == (1, []), "what is chained so far"
        assert "wait to be chained" in listed.error["message"]
    listed = shop_on_both("audit", "list", "--json")
    assert (listed.code, [each["name"] for each in listed.json].count("account.created")) == (0, 1)


def test_every_command_of_the_audit_says_so(shop: Shell, sqlite_urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_URL", sqlite_urls.database_url)
    monkeypatch.setattr(chaining, "PATIENCE", 0.2)
    made(shop)
    with hanging_chainer(sqlite_urls):
        for command in ("export", "anchor", "verify", "prune --before 2001-01-01"):
            ended = shop("audit", *command.split(), "--json")
            assert (ended.code, "wait to be chained" in ended.error["message"]) == (1, True), command
