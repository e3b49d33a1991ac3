"""Whatever happens to answers, tabs, processes and clocks: a user is never signed out, and a thief is always found out.

The client keeps to the contract of docs/explanation/sessions.md: it waits for an answer for a third of the grace
window, stores the new token before it uses anything of the answer, and only over the token that it had shown.
"""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from mainstay.base.errors import SignInRequired
from mainstay.identity.sessions.session import Tokens
from mainstay.identity.sessions.start_session import start_session
from mainstay.identity.tokens.refresh_token import Kind
from tests.databases import Urls
from tests.rooms.identity.clock import WoundClock
from tests.rooms.identity.rooms import PASSWORD, House, Rooms, migrated

WINDOW = 30.0
PATIENCE = WINDOW / 3
PROCESSES = st.integers(0, 1)
MANY = st.integers(0, 1_000)


class OwnClock:
    """The wall clock of one process, which may be wrong by a few seconds."""

    def __init__(self, true: WoundClock) -> None:
        self._true, self.wrong = true, 0.0

    def now(self) -> datetime:
        return self._true.now() + timedelta(seconds=self.wrong)

    def monotonic(self) -> float:
        return self._true.monotonic()


@dataclass
class World:
    """Two processes over one database, and a user of it."""

    runner: asyncio.Runner
    clock: WoundClock
    clocks: list[OwnClock]
    processes: list[Rooms]
    user: UUID


@dataclass
class Request:
    """An exchange that a tab has under way."""

    shown: str
    since: float
    answer: Tokens | None = None


@dataclass
class Holding:
    """What somebody has got hold of."""

    family: list[str] = field(default_factory=list)
    access: list[str] = field(default_factory=list)


class Families(RuleBasedStateMachine):
    """One session: its user with a few tabs over one store, and perhaps a thief with copies of what was in it."""

    world: World
    kind: Kind

    @initialize()
    def sign_in(self) -> None:
        for own in self.world.clocks:
            own.wrong = 0.0
        tokens = self.run(
            start_session(self.world.processes[0].identity._room, self.world.user, methods=["pwd"], kind=self.kind)
        )
        self.session_id = tokens.session.id
        self.store, self.access, self.expires = tokens.refresh_token, tokens.access_token, self.at + 600
        self.under_way: list[Request] = []
        self.loot = Holding()
        self.used_by_thief = False

    # Time and processes

    @rule(seconds=st.sampled_from([0.2, 1, 5, 9, 11, 25, 31, 61, 590, 3_600, 86_400]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.heed()

    # No further apart than access tokens are forgiven (IdentityOptions.skew_seconds).
    @rule(process=PROCESSES, wrong=st.integers(-2, 3))
    def a_clock_is_set(self, process: int, wrong: int) -> None:
        self.world.clocks[process].wrong = wrong

    @rule()
    def a_quarter_of_a_second_passes(self) -> None:
        self.world.clock.advance(0.25)
        self.heed()

    @rule(process=PROCESSES)
    def a_process_dies_and_comes_back(self, process: int) -> None:
        room = self.world.processes[process].identity._room
        room.sightings._seen.clear()
        room.sightings._used.clear()
        room.remembered.forget()

    # The user

    @precondition(lambda self: len(self.under_way) < 4)
    @rule(tabs=st.integers(1, 2))
    def tabs_ask(self, tabs: int) -> None:
        self.under_way.extend(Request(self.store, self.at) for _ in range(tabs))

    @precondition(lambda self: self.under_way)
    @rule(which=MANY, process=PROCESSES)
    def a_request_arrives(self, which: int, process: int) -> None:
        request = self.under_way[which % len(self.under_way)]
        if self.at - request.since <= PATIENCE:
            request.answer = self.exchange(process, request.shown, by_user=True) or request.answer

    @precondition(lambda self: self.under_way)
    @rule(which=MANY, process=PROCESSES, at_once=st.booleans())
    def an_answer_arrives(self, which: int, process: int, at_once: bool) -> None:
        request = self.under_way.pop(which % len(self.under_way))
        waited = self.at - request.since
        if request.answer is not None and waited <= PATIENCE and self.store == request.shown:
            self.store, self.access = request.answer.refresh_token, request.answer.access_token
            self.expires = self.at + 600 - waited
            if at_once:
                self.use(process, self.access or self.store, by_user=True)
                self.heed()

    @rule(first=PROCESSES, second=PROCESSES)
    def two_tabs_wake_up(self, first: int, second: int) -> None:
        """One is through with it before the other one's request arrives."""
        shown = self.store
        tokens = self.exchange(first, shown, by_user=True)
        if tokens is not None:
            self.store, self.access, self.expires = tokens.refresh_token, tokens.access_token, self.at + 600
            self.use(second, self.access or self.store, by_user=True)
            self.heed()
            self.exchange(second, shown, by_user=True)

    @precondition(lambda self: self.under_way)
    @rule(which=MANY)
    def an_answer_is_lost(self, which: int) -> None:
        self.under_way.pop(which % len(self.under_way))

    @rule(process=PROCESSES)
    def the_page_is_used(self, process: int) -> None:
        if self.kind == "cookie" or self.at < self.expires - 20:
            self.use(process, self.access or self.store, by_user=True)

    # The thief

    @rule()
    def the_store_is_copied(self) -> None:
        self.loot.family.append(self.store)
        if self.access:
            self.loot.access.append(self.access)

    @precondition(lambda self: self.loot.family)
    @rule(which=MANY, process=PROCESSES)
    def the_thief_exchanges(self, which: int, process: int) -> None:
        self.plunder(process, self.loot.family[which % len(self.loot.family)])

    @precondition(lambda self: self.loot.family)
    @rule(which=MANY, process=PROCESSES)
    def the_thief_looks_in(self, which: int, process: int) -> None:
        self.used_by_thief = True
        held = self.loot.family if self.kind == "cookie" else self.loot.access
        self.use(process, held[which % len(held)], by_user=False)

    # What must hold

    def teardown(self) -> None:
        """Both go on as they are used to, far apart: the thief has nothing, and who was robbed is told by the end."""
        if not hasattr(self, "loot"):
            return
        for own in self.world.clocks:
            own.wrong = 0.0
        self.under_way.clear()
        if len(self.loot.family) % 2:
            self.wait_for_the_user()
        self.sleep(700)
        alive = self.go_on()
        self.sleep(700)
        # What the user has now was made a moment ago, and nobody else has been given it.
        assert not self.plunder_everything(), "the thief has a session"
        if self.loot.family:
            assert not self.go_on(), "a copied token was shown, and nobody noticed"
        else:
            assert alive

    def wait_for_the_user(self) -> None:
        """A thief who takes what is next, and keeps still until the user has moved on as well."""
        held = self.loot.access if self.kind == "bearer" else self.loot.family
        for _ in range(2):
            self.sleep(300)
            taken = self.plunder(0, self.loot.family[-1])
            self.sleep(100)
            alive = self.go_on()
            self.sleep(40)
            used = self.use(1, held[-1], by_user=False)
            self.heed()
            assert not (alive and taken and used), "the user and the thief go on side by side"

    def sleep(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.heed()

    def go_on(self) -> bool:
        """The user exchanges and uses what they have."""
        tokens = self.exchange(0, self.store, by_user=True)
        if tokens is None:
            return False
        self.store, self.access = tokens.refresh_token, tokens.access_token
        used = self.use(1, self.access or self.store, by_user=True)
        self.heed()
        return used

    def plunder_everything(self) -> bool:
        """The thief tries all there is, newest first; whether anything opened."""
        opened = [self.plunder(0, each) for each in reversed(list(self.loot.family))]
        held = self.loot.family if self.kind == "cookie" else self.loot.access
        used = [self.use(1, each, by_user=False) for each in reversed(held)]
        self.heed()
        return any(opened) or any(used)

    def plunder(self, process: int, token: str) -> bool:
        self.used_by_thief = True
        tokens = self.exchange(process, token, by_user=False)
        if tokens is None:
            return False
        self.loot.family.append(tokens.refresh_token)
        if tokens.access_token:
            self.loot.access.append(tokens.access_token)
        return True

    def exchange(self, process: int, token: str, *, by_user: bool) -> Tokens | None:
        tokens: Tokens | None = None
        with suppress(SignInRequired):
            tokens = self.run(self.world.processes[process].identity.refresh(token, self.kind))
        if by_user and not self.used_by_thief:
            assert tokens is not None, "the user is signed out, and nobody stole anything"
        return tokens

    def use(self, process: int, token: str, *, by_user: bool) -> bool:
        identity = self.world.processes[process].identity
        held = False
        with suppress(SignInRequired):
            if self.kind == "cookie":
                cookie = identity.browsers.session_cookie.sent_as
                self.run(identity.browsers.verify([(b"cookie", f"{cookie}={token}".encode())], "GET"))
            else:
                self.run(identity.verify(token.encode()))
            held = True
        if by_user and not self.used_by_thief:
            assert held, "the user's token is refused, and nobody stole anything"
        return held

    @property
    def at(self) -> float:
        return self.world.clock.monotonic()

    def heed(self) -> None:
        for process in self.world.processes:
            self.run(process.revoke_elsewhere())

    def run(self, work: Any) -> Any:
        return self.world.runner.run(work)


@pytest.fixture
def world(urls: Urls) -> Iterator[World]:
    with asyncio.Runner() as runner:
        runner.run(migrated(urls))
        true = WoundClock()
        clocks = [OwnClock(true), OwnClock(true)]
        house = House(urls, clocks[0])
        rooms = []
        for own in clocks:
            house.clock = own
            rooms.append(runner.run(house.open(idle_days=365, limit_days=3650)))
        user = runner.run(rooms[0].identity.create_user("ada@example.org", PASSWORD))
        try:
            yield World(runner, true, clocks, rooms, user.id)
        finally:
            for each in rooms:
                runner.run(each.identity.close())
                runner.run(each.database.close())


@pytest.mark.parametrize("kind", ["bearer", "cookie"])
def test_the_user_stays_and_the_thief_is_found_out(world: World, kind: Kind) -> None:
    machine = type("Families", (Families,), {"world": world, "kind": kind})
    examples = 60 if world.processes[0].database.name == "sqlite" else 15
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
