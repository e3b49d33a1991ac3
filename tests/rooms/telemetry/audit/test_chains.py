"""B12: entries are chained exactly once, in order, a chain for each tenant and one of the system's own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from mainstay.telemetry.audit import SYSTEM_CHAIN, Filter, Mark
from tests.rooms.telemetry.audit.ledger import ACME, ADA, BOB, OTHER, START, Ledger, deed


async def test_deeds_become_entries_of_their_tenant_s_chain_in_the_order_of_their_commits(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, *(deed(f"thing.{n}") for n in range(5)))
    await ledger.note(audit, deed("elsewhere.1", OTHER), deed("thing.5"), deed("system.1", SYSTEM_CHAIN))
    assert await audit.waiting() == 8
    assert await audit.settle()
    assert await audit.waiting() == 0
    found = await audit.entries.page(ACME, Filter(), 10)
    assert [(each["seq"], each["name"]) for each in found] == [(6 - n, f"thing.{5 - n}") for n in range(6)]
    assert found[0]["origin"] == {"address": "192.0.2.7"}
    assert found[0]["details"] == {"email": "ada@example.com"}
    assert [each["name"] for each in await audit.entries.page(OTHER, Filter(), 10)] == ["elsewhere.1"]
    system = await audit.entries.page(SYSTEM_CHAIN, Filter(), 10)
    assert sorted(each["name"] for each in system) == ["audit.chain_started", "audit.chain_started", "system.1"]
    verdicts = await audit.verify()
    assert [(each.chain, each.holds, each.entries) for each in verdicts] == [
        (SYSTEM_CHAIN, True, 3),
        (ACME, True, 6),
        (OTHER, True, 1),
    ]


async def test_what_is_personal_is_not_in_the_database_in_clear(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, deed())
    await audit.settle()
    for table in ("mainstay_audit", "mainstay_audit_queue", "mainstay_audit_keys"):
        for row in await ledger.raw(f"SELECT * FROM {table}"):
            assert "192.0.2.7" not in str(row)
            assert "ada@example.com" not in str(row)


async def test_a_person_s_values_are_unreadable_once_forgotten_and_every_chain_still_holds(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, deed(), deed(actor_id=BOB, user_id=BOB), deed(actor_id=BOB, details={"of": "ada"}))
    await audit.settle()
    await audit.forget(ADA)
    await audit.forget(ADA)
    # What comes later, about somebody who is gone, is not sealed under a key made anew.
    await ledger.note(audit, deed("late.one"))
    await audit.settle()
    late, about_ada, bobs, adas = await audit.entries.page(ACME, Filter(), 10)
    assert late["origin"] == late["details"] == {}
    assert about_ada["details"] == {"erased": True}
    assert about_ada["origin"] == {"address": "192.0.2.7"}, "that is where Bob came from"
    assert bobs["details"] == {"email": "ada@example.com"}
    assert adas["origin"] == adas["details"] == {"erased": True}
    assert all(each.holds for each in await audit.verify())


async def test_somebody_who_had_no_key_gets_none_after_being_forgotten(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await audit.forget(ADA)
    await ledger.note(audit, deed())
    await audit.settle()
    (found,) = await audit.entries.page(ACME, Filter(), 10)
    assert found["origin"] == found["details"] == {}


async def test_values_about_nobody_known_are_unreadable_after_their_time(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, deed("session.refused", user_id=None, actor_id=None))
    await audit.settle()
    (found,) = await audit.entries.page(ACME, Filter(), 1)
    assert found["details"] == {"email": "ada@example.com"}
    assert await audit.keys.destroy_months(START - timedelta(days=1), START) == 0
    assert await audit.keys.destroy_months(START + timedelta(days=40), START) == 1
    (found,) = await audit.entries.page(ACME, Filter(), 1)
    assert found["details"] == {"erased": True}


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 3, 2, 1]),
    ({"user_id": BOB}, [4, 3, 2]),
    ({"name": "password.changed"}, [3]),
    ({"name": "session.*"}, [2, 1]),
    ({"since": START + timedelta(seconds=2)}, [4, 3]),
    ({"until": START + timedelta(seconds=1)}, [1]),
    ({"subject": "books/1"}, [4]),
    ({"request_id": "r-1"}, [2]),
    ({"user_id": UUID(int=9)}, []),
]


async def test_entries_are_found(ledger: Ledger) -> None:
    audit = await ledger.audit()

    await ledger.note(
        audit,
        deed("session.started"),
        _at(deed("session.ended", user_id=BOB, request_id="r-1"), 1),
        _at(deed("password.changed", actor_id=BOB, user_id=None), 2),
        _at(deed("books.updated", actor_id=ADA, impersonator_id=BOB, subject="books/1"), 3),
    )
    await audit.settle()
    for chosen, expected in FILTERS:
        assert [each["seq"] for each in await audit.entries.page(ACME, Filter(**chosen), 10)] == expected, chosen


def _at(one: Any, seconds: int) -> Any:
    return replace(one, at=START + timedelta(seconds=seconds))


async def test_pages_go_on_and_everything_of_a_person_is_found_in_every_chain(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(
        audit, *(deed(f"n.{n}") for n in range(7)), deed("far", OTHER), deed("no", OTHER, user_id=BOB, actor_id=BOB)
    )
    await audit.settle()
    first = await audit.entries.page(ACME, Filter(), 4)
    rest = await audit.entries.page(ACME, Filter(), 4, first[-1]["seq"])
    assert [each["seq"] for each in first + rest] == [7, 6, 5, 4, 3, 2, 1]
    assert [each["seq"] async for each in audit.entries.every(ACME, Filter())] == [7, 6, 5, 4, 3, 2, 1]
    assert [each["name"] for each in await audit.entries.about(ADA)] == [*(f"n.{n}" for n in range(7)), "far"]


async def test_a_pruned_chain_holds_from_its_sealed_checkpoint_on(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, *(_at(deed(f"n.{n}"), n * 3600) for n in range(10)))
    await audit.settle()
    anchors = await audit.anchors()
    assert await audit.prune(START + timedelta(hours=4)) == {ACME: 4}
    assert [each["seq"] for each in await audit.entries.page(ACME, Filter(), 20)] == [10, 9, 8, 7, 6, 5]
    verdicts = await audit.verify(anchors=anchors)
    assert [(each.holds, each.entries) for each in verdicts] == [(True, 1), (True, 6)]
    # Again, and with nothing to do; the newest entry stays whatever its age.
    assert await audit.prune(START + timedelta(hours=4)) == {}
    assert await audit.prune(START + timedelta(days=400)) == {ACME: 5}
    await ledger.note(audit, deed("after"))
    await audit.settle()
    assert all(each.holds for each in await audit.verify())


async def test_an_anchor_that_was_kept_elsewhere_shows_a_chain_that_was_set_back(ledger: Ledger) -> None:
    audit = await ledger.audit()
    await ledger.note(audit, deed("one"))
    await audit.settle()
    set_back = await ledger.raw("SELECT tenant_id, seq, hash, seal FROM mainstay_audit_heads")
    await ledger.note(audit, deed("two"))
    await audit.settle()
    anchors = await audit.anchors()
    tenant, seq, digest, seal = next(row for row in set_back if UUID(str(row[0])) == ACME)
    await ledger.raw(
        f"DELETE FROM mainstay_audit WHERE tenant_id = '{tenant}' AND seq = 2",
        f"UPDATE mainstay_audit_heads SET seq = {seq}, hash = '{digest}', seal = '{seal}' WHERE tenant_id = '{tenant}'",
    )
    assert all(each.holds for each in await audit.verify()), "the old state is all there is to see"
    found = {each.chain: each for each in await audit.verify(anchors=anchors)}
    assert (found[ACME].broken_at, found[SYSTEM_CHAIN].holds) == (2, True)
    wrong = Mark(ACME, 1, "f" * 64)
    assert (await audit.verify(ACME, [wrong]))[0].broken_at == 1
