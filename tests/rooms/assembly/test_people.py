"""B12: a person is told everything that is held about them, and is erased from every room, whatever is interrupted."""

import asyncio
import io
import re
import zipfile
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Mapped

from mainstay import Access, Mainstay, Mask, Resource, UserProfile, field, owned, owner, role, row
from mainstay.assembly.people.owned_rows import NOBODY
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.mail.tables import letters
from mainstay.telemetry.audit import SYSTEM_CHAIN, Filter
from tests.databases import Urls
from tests.journeys.shop import PASSWORD, settings_for, signed_in_as, visiting
from tests.rooms.assembly.test_audit import chained

ADA, BOB = "ada@example.com", "bob@example.com"


class Kept(Resource, family=True):
    """The tables of this app alone."""

    __abstract__ = True
    __access__ = Access(read=owner, write=owner)


class Diary(Kept):
    """Goes with its owner."""

    __tablename__ = "diaries"
    text: Mapped[str] = field(max_length=100)
    secret: Mapped[str] = field(max_length=100, read=False, default="inner")
    owner_id: Mapped[UUID] = owned(on_erase="delete")


class Page(Kept):
    """Made nobody's."""

    __tablename__ = "pages"
    text: Mapped[str] = field(max_length=100)
    owner_id: Mapped[UUID] = owned()


class Loose(Kept):
    """Made nobody's, where that is NULL."""

    __tablename__ = "loose"
    text: Mapped[str] = field(max_length=100)
    owner_id: Mapped[UUID | None] = owned()


class Invoice(Kept):
    """Handed over to an administrator."""

    __tablename__ = "invoices"
    text: Mapped[str] = field(max_length=100)
    owner_id: Mapped[UUID] = owned(on_erase="hand_over")


class Receipt(Kept):
    """Kept as the law wants it."""

    __tablename__ = "receipts"
    text: Mapped[str] = field(max_length=100)
    owner_id: Mapped[UUID] = owned(on_erase="keep")


ALL: tuple[Any, ...] = (Diary, Page, Loose, Invoice, Receipt)


def keeper(urls: Urls, **more: Any) -> Mainstay:
    return Mainstay(resources=list(ALL), settings=settings_for(urls, **more))


async def people(app: Mainstay, client: httpx.AsyncClient) -> tuple[UUID, dict[str, str], UUID, dict[str, str]]:
    """Ada, who owns a row of each kind, and Bob, an administrator who owns one of each too."""
    ada = await app.rooms.identity.create_user(ADA, PASSWORD)
    bob = await app.rooms.identity.create_user(BOB, PASSWORD, roles=("admin",))
    as_ada, as_bob = await signed_in_as(client, ADA), await signed_in_as(client, BOB)
    for headers, text in ((as_ada, "of ada"), (as_bob, "of bob")):
        for model in ALL:
            made = await client.post(f"/api/v1/{model.__tablename__}", json={"text": text}, headers=headers)
            assert made.status_code == 201, made.text
    return ada.id, as_ada, bob.id, as_bob


async def owners(app: Mainstay) -> dict[str, list[tuple[str, UUID | None]]]:
    """What there is, with whose it is."""
    found = {}
    async with app.rooms.database.session(app.rooms.tenancy.default_scope()) as session:
        for model in ALL:
            rows = (await session.scalars(select(model).order_by(model.text))).all()
            found[model.__tablename__] = [(row.text, row.owner_id) for row in rows]
    return found


async def test_a_person_is_told_everything_and_nothing_secret_or_of_others(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, headers, bob, _ = await people(app, client)
        await app.rooms.tiers.put("premium", DEFAULT_TENANT, ada)
        await chained(app)
        answer = await client.get("/auth/me/export", headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == f'attachment; filename="export-{ada}.json"'
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        assert told["account"]["users"]["email"] == ADA
        assert len(told["account"]["sessions"]) == 1
        assert told["account"]["credentials"] == [{**told["account"]["credentials"][0], "kind": "password"}]
        assert told["memberships"] == [{"tenant_id": str(DEFAULT_TENANT), "tenant": "default", "roles": ["user"]}]
        assert {name: [row["text"] for row in rows] for name, rows in told["rows"]["default"].items()} == {
            model.__tablename__: ["of ada"] for model in ALL
        }
        assert told["tiers"] == [{"tenant_id": str(DEFAULT_TENANT), "tier": "premium"}]
        assert "session.started" in {each["name"] for each in told["audit"]}
        for hidden in ("$argon2", "inner", "of bob", BOB, str(bob)):
            assert hidden not in answer.text, hidden
        assert (await client.get("/auth/me/export")).status_code == 401
        await chained(app)
        noted = await app.rooms.audit.entries.page(DEFAULT_TENANT, Filter(name="user.exported"), 5)
        assert [each["user_id"] for each in noted] == [str(ada)]


async def test_what_is_large_comes_as_a_zip(sqlite_urls: Urls) -> None:
    app = keeper(sqlite_urls)
    async with visiting(app) as client:
        _, headers, _, _ = await people(app, client)
        for _ in range(60):
            rows = [{"text": "x" * 100} for _ in range(100)]
            assert (await client.post("/api/v1/pages", json=rows, headers=headers)).status_code == 201
        answer = await client.get("/auth/me/export", headers=headers)
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert {"account.json", "rows.json", "audit.json", "memberships.json"} <= set(archive.namelist())
            assert archive.read("rows.json").count(b"x" * 100) == 6000


async def test_an_erased_person_is_gone_from_every_room_and_the_chains_hold(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, headers, bob, as_bob = await people(app, client)
        await app.rooms.tiers.put("premium", DEFAULT_TENANT, ada)
        await app.rooms.erase_person.now(ada)
        assert await owners(app) == {
            "diaries": [("of bob", bob)],
            "pages": [("of ada", NOBODY), ("of bob", bob)],
            "loose": [("of ada", None), ("of bob", bob)],
            "invoices": [("of ada", bob), ("of bob", bob)],
            "receipts": [("of ada", ada), ("of bob", bob)],
        }
        assert await app.rooms.identity.get_user(ada) is None
        assert app.rooms.tiers.get(DEFAULT_TENANT, ada) is None
        assert [each.user_id for each in await app.rooms.tenancy.members(DEFAULT_TENANT)] == [bob]
        assert (await client.get("/auth/me", headers=headers)).status_code == 401
        assert (await client.get("/auth/me", headers=as_bob)).status_code == 200
        again = await client.post("/auth/sign-in", json={"email": ADA, "password": PASSWORD})
        assert again.status_code == 401
        await chained(app)
        for chain in (SYSTEM_CHAIN, DEFAULT_TENANT):
            found = [each async for each in app.rooms.audit.entries.every(chain, Filter(user_id=ada))]
            assert found
            assert ADA not in str(found)
            assert all(each["origin"] in ({}, {"erased": True}) for each in found if each["actor_id"] == str(ada))
        assert all(each.holds for each in await app.rooms.audit.verify())
        named = [each["name"] for each in await app.rooms.audit.entries.about(ada)]
        assert {"account.deleted", "user.erased"} <= set(named)
        # The address is free again, for somebody who has nothing to do with her.
        assert (await app.rooms.identity.create_user(ADA, PASSWORD)).id != ada


async def test_no_table_of_ours_names_an_erased_person_in_clear(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, *_ = await people(app, client)
        await chained(app)
        await app.rooms.erase_person.now(ada)
        await chained(app)
        kept: dict[str, int] = {}

        def look(connection: Any) -> None:
            from sqlalchemy import inspect, text  # noqa: PLC0415  here alone

            for table in inspect(connection).get_table_names():
                rows = connection.execute(text(f'SELECT * FROM "{table}"')).all()
                kept[table] = sum(ADA in str(row) for row in rows)

        await app.rooms.database.administer(look, changes=False)
        assert {table: count for table, count in kept.items() if count} == {}


async def test_an_erasure_that_is_interrupted_anywhere_is_finished_by_the_next_sweep(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, _, bob, _ = await people(app, client)
        story: Any = app.rooms.erase_person
        for holder in story._holders:
            # As far as this room, and not beyond: as a crash would leave it.
            done = holder.erase

            async def breaks(user_id: UUID, done: Any = done) -> int:
                await done(user_id)
                raise ConnectionError("killed")

            holder.erase = breaks
            with pytest.raises(ConnectionError):
                await story.now(ada) if holder is story._holders[0] else await story.erase(ada)
            holder.erase = done
            if holder.name != "account":
                assert await app.rooms.identity.get_user(ada) is not None, "found again by the sweep"
        await app.rooms.identity.accounts.sweep.run()
        assert await app.rooms.identity.get_user(ada) is None
        assert (await owners(app))["diaries"] == [("of bob", bob)]


async def test_the_sweep_at_the_end_of_the_grace_erases_from_every_room(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, _, bob, _ = await people(app, client)
        await app.rooms.identity.accounts.close_now(ada)
        await app.rooms.identity.accounts.sweep.run()
        assert (await owners(app))["diaries"] == [("of bob", bob)]
        assert await app.rooms.identity.get_user(ada) is None


async def test_rows_of_a_tenant_that_somebody_left_or_that_is_suspended_are_given_up_too(urls: Urls) -> None:
    app = keeper(urls, tenant_from="header")
    async with visiting(app) as client:
        tenancy = app.rooms.tenancy
        ada = (await app.rooms.identity.create_user(ADA, PASSWORD)).id
        acme = await tenancy.create("Acme")
        await tenancy.add_member(acme.id, ada)
        headers = await signed_in_as(client, ADA)
        there = {**headers, "X-Tenant-ID": "acme"}
        for way in (headers | {"X-Tenant-ID": "default"}, there):
            assert (await client.post("/api/v1/diaries", json={"text": "mine"}, headers=way)).status_code == 201
        await tenancy.remove_member(acme.id, ada)
        await tenancy.suspend(acme.id)
        await app.rooms.erase_person.now(ada)
        await tenancy.resume(acme.id)
        for tenant in (acme.id, DEFAULT_TENANT):
            async with app.rooms.database.session(await tenancy.scope_of(tenant)) as session:
                assert (await session.scalars(select(Diary))).all() == []


async def test_nobody_known_cannot_be_erased_and_twice_is_once(sqlite_urls: Urls) -> None:
    app = keeper(sqlite_urls)
    async with visiting(app) as client:
        ada, *_ = await people(app, client)
        with pytest.raises(Exception, match="no such user"):
            await app.rooms.erase_person.now(uuid4())
        await app.rooms.erase_person.now(ada)
        await app.rooms.erase_person.erase(ada)
        await asyncio.gather(app.rooms.erase_person.erase(ada), app.rooms.erase_person.erase(ada))


async def test_letters_to_addresses_somebody_had_or_wanted_go_with_them_and_no_others(urls: Urls) -> None:
    app = keeper(urls)
    async with visiting(app) as client:
        ada, headers, _, _ = await people(app, client)
        identity, mail = app.rooms.identity, app.rooms.mail
        # Before anybody knew whose the address would be, as at a sign-up.
        await mail.send("test-letter", ADA)
        for wanted, read in (("ada@new.example", True), ("ada@never.example", False)):
            await identity.accounts.ask_for_email(ada, wanted, PASSWORD)
            if read:
                assert (await confirm(app, wanted)).email == wanted
        await identity.accounts.ask_for_reset("ada@new.example")
        # Somebody else has the address by now.
        other = await identity.create_user(ADA, PASSWORD)
        await identity.accounts.ask_for_reset(ADA)
        await mail.send("test-letter", BOB)
        told = (await client.get("/auth/me/export", headers=headers)).json()["letters"]["letters"]
        assert {each["to"] for each in told} == {ADA, "ada@new.example", "ada@never.example"}
        kinds = {each["kind"] for each in told if each["to"] == ADA}
        assert kinds == {"already-registered", "email-changed", "test-letter"}, "and not what the other wanted"
        await identity.accounts.close_now(ada)
        await identity.accounts.sweep.run()
        left = await recipients(app)
        assert set(left) == {ADA, BOB, "ada@new.example"}
        assert [kind for kind, _ in left["ada@new.example"]] == ["account-deleted"], "the last, that waits"
        assert ada not in {person for each in left.values() for _, person in each}
        await mail.deliver()
        await mail._delivery.clean()
        assert set(await recipients(app)) == {ADA, BOB}
        await app.rooms.erase_person.now(other.id)
        assert set(await recipients(app)) == {BOB}


async def confirm(app: Mainstay, address: str) -> Any:
    """As its reader: with the token of the letter that came to this address."""
    await app.rooms.mail.deliver()
    engine: Any = app.rooms.mail.engine
    text = [each.text for each in engine.messages if each.to == address][-1]
    (token,) = set(re.findall(r"mlt_[\w-]+", text))
    return await app.rooms.identity.accounts.confirm_email(token)


async def recipients(app: Mainstay) -> dict[str, list[tuple[str, UUID | None]]]:
    """Every address in the mail room's table, with what was written to it."""
    found: dict[str, list[tuple[str, UUID | None]]] = {}
    rows = await app.rooms.mail._control.fetch(select(letters.c.recipient, letters.c.kind, letters.c.person))
    for to, kind, person in rows:
        found.setdefault(to, []).append((kind, person))
    return found


class Claim(Kept):
    """With fields that its owner is not shown, or only now and then."""

    __tablename__ = "claims"
    __access__ = Access(
        read=owner,
        write=owner,
        fields={
            "remark": Mask(read=role("clerk"), write=role("clerk")),
            "result": Mask(read=row.status == "decided", write=role("clerk")),
            "health": Mask(read=role("doctor"), write=role("clerk")),
        },
    )
    status: Mapped[str] = field(max_length=20)
    remark: Mapped[str] = field(max_length=100, default="a remark of the clerk")
    result: Mapped[str] = field(max_length=100, default="the result")
    health: Mapped[str] = field(max_length=100, default="what is known of their health", personal=True)
    score: Mapped[str] = field(max_length=100, default="a score of theirs", read=False, personal=True)
    inner: Mapped[str] = field(max_length=100, default="of nobody", read=False)
    owner_id: Mapped[UUID] = owned()


class Member(UserProfile):
    """What the app keeps of its users."""

    motto: Mapped[str] = field(max_length=100, default="mine")
    rating: Mapped[str] = field(max_length=100, default="personal all the same", read=False, write=False, personal=True)
    note: Mapped[str] = field(max_length=100, default="for administrators", read=False, write=False)


async def test_an_export_holds_what_its_reader_may_read_and_what_is_personal(urls: Urls) -> None:
    app = Mainstay(resources=[Claim], user=Member, settings=settings_for(urls))
    async with visiting(app) as client:
        ada = (await app.rooms.identity.create_user(ADA, PASSWORD)).id
        headers = await signed_in_as(client, ADA)
        for status in ("open", "decided"):
            assert (await client.post("/api/v1/claims", json={"status": status}, headers=headers)).status_code == 201
        told = (await client.get("/auth/me/export", headers=headers)).json()
        assert told["account"]["profile"] == {"motto": "mine", "rating": "personal all the same"}
        read = {each["status"]: each for each in (await client.get("/api/v1/claims", headers=headers)).json()["items"]}
        for claim in told["rows"]["default"]["claims"]:
            seen = read[claim["status"]]
            assert {name: claim[name] for name in claim if name not in ("health", "score")} == {
                name: value for name, value in seen.items() if value is not None
            }
            assert (claim["health"], claim["score"]) == ("what is known of their health", "a score of theirs")
            assert ("result" in claim) is (claim["status"] == "decided")
        # A clerk sees more of their own.
        await app.rooms.tenancy.set_roles(DEFAULT_TENANT, ada, ("user", "clerk"))
        again = await app.rooms.export_person.export(ada)
        assert all("remark" in each for each in again["rows"]["default"]["claims"])
        for hidden in ("of nobody", "for administrators"):
            assert hidden not in str(again)
