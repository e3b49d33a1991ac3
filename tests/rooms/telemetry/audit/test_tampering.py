"""B12: entries cannot be changed, and where somebody turns the triggers off and does, `verify` names the first."""

from uuid import UUID

import asyncpg
import pytest

from mainstay.base.secret import MasterKey, Secret
from mainstay.telemetry.audit import SYSTEM_CHAIN, Audit
from tests.databases import Urls
from tests.rooms.telemetry.audit.ledger import ACME, OTHER, Ledger, deed, ledger_of

TENANT = f"tenant_id = '{ACME}'"
COLUMNS = {
    "at": "'2020-01-01T00:00:00.000000Z'",
    "name": "'session.ended'",
    "actor_id": f"'{OTHER}'",
    "impersonator_id": f"'{OTHER}'",
    "user_id": "NULL",
    "session_id": f"'{OTHER}'",
    "request_id": "'another'",
    "subject": "'another'",
    "origin": "NULL",
    "details": "NULL",
    "previous": f"'{'f' * 64}'",
    "hash": f"'{'f' * 64}'",
}


async def five(ledger: Ledger) -> Audit:
    audit = await ledger.audit()
    await ledger.note(audit, *(deed(f"n.{n}") for n in range(5)))
    await audit.settle()
    return audit


async def broken(audit: Audit) -> dict[object, int | None]:
    return {each.chain: each.broken_at for each in await audit.verify() if not each.holds}


async def test_every_column_of_an_entry_is_covered(ledger: Ledger) -> None:
    """A chain for each column, and in its third entry that column changed."""
    audit = await ledger.audit()
    chains = {column: UUID(int=100 + n) for n, column in enumerate(COLUMNS)}
    await ledger.note(audit, *(deed(f"n.{n}", chain) for chain in chains.values() for n in range(5)))
    await audit.settle()
    assert await broken(audit) == {}
    await ledger.raw(
        *(
            f"UPDATE mainstay_audit SET {column} = {COLUMNS[column]} WHERE tenant_id = '{chain}' AND seq = 3"
            for column, chain in chains.items()
        )
    )
    assert await broken(audit) == dict.fromkeys(chains.values(), 3)


async def test_an_entry_that_moved_to_another_chain_or_number_is_named(ledger: Ledger) -> None:
    audit = await five(ledger)
    await ledger.raw(f"UPDATE mainstay_audit SET tenant_id = '{OTHER}' WHERE {TENANT} AND seq = 3")
    assert await broken(audit) == {ACME: 3, OTHER: 1}


async def test_two_entries_that_changed_places_are_named(ledger: Ledger) -> None:
    audit = await five(ledger)
    await ledger.raw(
        f"UPDATE mainstay_audit SET seq = 99 WHERE {TENANT} AND seq = 2",
        f"UPDATE mainstay_audit SET seq = 2 WHERE {TENANT} AND seq = 3",
        f"UPDATE mainstay_audit SET seq = 3 WHERE {TENANT} AND seq = 99",
    )
    assert await broken(audit) == {ACME: 2}


async def test_what_is_deleted_is_missed(ledger: Ledger) -> None:
    audit = await ledger.audit()
    cases = {UUID(int=100): ("seq = 1", 1), UUID(int=101): ("seq = 3", 3), UUID(int=102): ("seq >= 4", 4)}
    cases[UUID(int=103)] = ("seq >= 1", 1)
    await ledger.note(audit, *(deed(f"n.{n}", chain) for chain in cases for n in range(5)))
    await audit.settle()
    for chain, (gone, _) in cases.items():
        await ledger.raw(f"DELETE FROM mainstay_audit WHERE tenant_id = '{chain}' AND {gone}")
    assert await broken(audit) == {chain: named for chain, (_, named) in cases.items()}


async def test_a_chain_that_is_gone_with_its_head_is_missed_and_the_system_s_too(ledger: Ledger) -> None:
    audit = await five(ledger)
    await ledger.raw(
        f"DELETE FROM mainstay_audit WHERE {TENANT}",
        f"DELETE FROM mainstay_audit_heads WHERE {TENANT}",
    )
    assert await broken(audit) == {ACME: 1}
    await ledger.note(audit, deed("again", OTHER))
    await audit.settle()
    await ledger.raw(
        f"DELETE FROM mainstay_audit WHERE tenant_id = '{SYSTEM_CHAIN}'",
        f"DELETE FROM mainstay_audit_heads WHERE tenant_id = '{SYSTEM_CHAIN}'",
    )
    assert SYSTEM_CHAIN in await broken(audit)


async def test_a_rewritten_chain_needs_a_seal_that_nobody_can_make_from_the_database(ledger: Ledger) -> None:
    """Whoever can write every table computes all hashes anew, as this test does, and still lacks the key."""
    audit = await five(ledger)
    forger = await ledger.audit(MasterKey(Secret("another master key, of the forger's own")))
    await ledger.raw(
        f"DELETE FROM mainstay_audit WHERE {TENANT}",
        f"DELETE FROM mainstay_audit_heads WHERE {TENANT}",
    )
    await ledger.note(forger, *(deed(f"forged.{n}") for n in range(5)))
    await forger.settle()
    found = {each.chain: each for each in await audit.verify()}
    assert not found[ACME].holds
    assert "seal" in (found[ACME].why or "")


async def test_a_forged_entry_behind_the_head_is_named(ledger: Ledger) -> None:
    audit = await five(ledger)
    await ledger.raw(
        "INSERT INTO mainstay_audit (tenant_id, seq, at, name, previous, hash) "
        f"SELECT tenant_id, 6, at, 'forged', hash, '{'f' * 64}' FROM mainstay_audit WHERE {TENANT} AND seq = 5"
    )
    assert await broken(audit) == {ACME: 6}


async def test_a_forged_checkpoint_hides_nothing(ledger: Ledger) -> None:
    audit = await five(ledger)
    await ledger.raw(
        "INSERT INTO mainstay_audit_checkpoints (tenant_id, seq, hash, seal, at) "
        f"SELECT tenant_id, seq, hash, '{'f' * 64}', at FROM mainstay_audit WHERE {TENANT} AND seq = 3",
        # The triggers let it go: a checkpoint covers it.
        f"DELETE FROM mainstay_audit WHERE {TENANT} AND seq <= 3",
        triggers=True,
    )
    assert await broken(audit) == {ACME: 3}


async def test_the_database_itself_refuses_changes(ledger: Ledger) -> None:
    audit = await five(ledger)
    statements = ["UPDATE mainstay_audit SET name = 'x'", "DELETE FROM mainstay_audit"]
    statements += ["DELETE FROM mainstay_audit WHERE seq = 5"]
    statements += ["TRUNCATE mainstay_audit"] if ledger.urls.name == "postgresql" else []
    for statement in statements:
        with pytest.raises(Exception, match="append-only"):
            await ledger.raw(statement, triggers=True)
    assert await broken(audit) == {}


async def test_the_requests_role_reads_its_tenant_s_entries_and_writes_none(postgresql_urls: Urls) -> None:
    async with ledger_of(postgresql_urls) as ledger:
        await five(ledger)
        connection = await asyncpg.connect(postgresql_urls.database_url)
        try:
            assert await connection.fetchval("SELECT count(*) FROM mainstay_audit") == 0
            await connection.execute("SELECT set_config('mainstay.tenant', $1, false)", str(ACME))
            assert await connection.fetchval("SELECT count(*) FROM mainstay_audit") == 5
            for statement in (
                "INSERT INTO mainstay_audit SELECT * FROM mainstay_audit",
                "UPDATE mainstay_audit SET name = 'x'",
                "DELETE FROM mainstay_audit",
                "SELECT * FROM mainstay_audit_keys",
                "DELETE FROM mainstay_audit_queue",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()
