"""The Python client, waiting and awaiting: one's account, second factors, proofs that are asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import anyio
import pytest

from mainstay.client import AsyncClient, Client, ClientError, FileStore, Problem, StepUpRequired
from tests.clients.accounts.conftest import PASSWORD, Shop

Call = Callable[..., Any]


class Way:
    """Makes clients of one kind, and calls them: those that wait from threads."""

    def __init__(self, kind: type[Client] | type[AsyncClient], url: str) -> None:
        self._kind, self._url = kind, url
        self.waits = kind is Client
        self.made: list[Any] = []

    def client(self, **options: Any) -> Any:
        self.made.append(self._kind(self._url, **options))
        return self.made[-1]

    async def __call__(self, operation: Call, *args: Any, **options: Any) -> Any:
        if self.waits:
            return await anyio.to_thread.run_sync(partial(operation, *args, **options))
        return await operation(*args, **options)

    async def signed_in(self, email: str, **options: Any) -> Any:
        client = self.client(**options)
        await self(client.sign_in, email, PASSWORD)
        return client


@pytest.fixture(params=[Client, AsyncClient], ids=["waits", "awaits"])
async def way(request: pytest.FixtureRequest, shop: Shop) -> AsyncIterator[Way]:
    found = Way(request.param, shop.url)
    yield found
    for client in found.made:
        await found(client.close)


async def refused(code: str, work: Any) -> Problem:
    with pytest.raises(Problem) as found:
        await work
    assert found.value.code == code
    return found.value


async def with_app(way: Way, shop: Shop, **options: Any) -> tuple[Any, str, str, list[str]]:
    """A client that is signed in, its address, the secret of its authenticator app, its recovery codes."""
    email = shop.somebody()
    client = await way.signed_in(email, **options)
    secret = (await way(client.factors.begin_totp))["secret"]
    codes = await way(client.factors.confirm_totp, shop.code(secret))
    return client, email, secret, codes


async def test_an_account_from_sign_up_to_deletion(way: Way, shop: Shop) -> None:
    told: list[str] = []
    client, email = way.client(on_signed_out=told.append), f"new-{id(way)}@example.com"
    account = client.account
    assert await way(client.sign_up, email, PASSWORD) == {"email": email}
    await way(account.resend_verification, email)
    assert (await way(account.verify_email, shop.letter(email)))["email_verified"]
    await way(client.sign_in, email, PASSWORD)
    assert (await way(account.update, display_name="Ada"))["display_name"] == "Ada"
    assert (await way(account.me))["roles"] == ["user"]
    assert await way(account.update_preferences, {"theme": "dark"}) == await way(account.preferences)
    assert await way(account.update_profile, {}) == await way(account.profile) == {}
    await way(account.change_password, PASSWORD, "another horse battery")
    await way(account.change_email, f"other-{email}", "another horse battery")
    assert (await way(account.confirm_email, shop.letter(f"other-{email}")))["email"] == f"other-{email}"
    await way(account.forgot_password, f"other-{email}")
    await way(account.reset_password, shop.letter(f"other-{email}"), PASSWORD)
    await refused("sign_in_required", way(account.me))
    await way(client.sign_in, f"other-{email}", PASSWORD)
    assert await way(account.delete, PASSWORD) > "2026"
    assert (client.is_signed_in, told) == (False, ["ended", "signed-out"])


async def test_a_second_factor_finishes_a_sign_in(way: Way, shop: Shop) -> None:
    client, email, secret, codes = await with_app(way, shop)
    assert len(codes) == 10
    assert (await way(client.factors.get))["recovery_codes_left"] == 10
    waiting = await refused("second_factor_required", way.signed_in(email))
    assert waiting.methods == ["totp", "recovery_code"]
    wrong = await refused("factor_refused", way(client.finish_sign_in, waiting, code="000000"))
    assert wrong.errors[0]["loc"] == ["body", "code"]
    assert "books" not in await way(client.finish_sign_in, waiting, code=shop.code(secret))
    with pytest.raises(ClientError, match="not of a sign-in"):
        await way(client.finish_sign_in, wrong, code="000000")
    assert len(await way(client.factors.new_recovery_codes)) == 10
    await way(client.factors.remove_totp)
    await way.signed_in(email)


async def test_a_program_is_asked_for_its_second_factor_until_it_is_taken(way: Way, shop: Shop) -> None:
    _, email, _, codes = await with_app(way, shop)
    asked: list[tuple[str, Any]] = []

    def show(problem: Problem) -> dict[str, str] | None:
        asked.append((problem.code, problem.refused and problem.refused.code))
        proofs = [{"code": "000000"}, {"recovery_code": codes[0]}, None]
        return proofs[len(asked) - 1]

    client = await way.signed_in(email, on_second_factor=show)
    assert (await way(client.account.me))["email"] == email
    assert asked == [("second_factor_required", None), ("second_factor_required", "factor_refused")]
    await refused("second_factor_required", way.signed_in(email, on_second_factor=show))
    # Another way in waits for it as well.
    asked.clear()
    letter = await way(client.ask_for_letter, email)
    codes.insert(0, codes.pop())
    await way(client.sign_in_by_letter, letter, shop.letter(email))
    assert len(asked) == 2


async def test_requests_that_need_another_proof_at_once_cause_one_question(way: Way, shop: Shop) -> None:
    asked: list[Any] = []
    shown: dict[str, str] = {}

    def prove(problem: StepUpRequired) -> dict[str, str]:
        asked.append((problem.max_age, problem.refused and problem.refused.code))
        return {"code": shop.code(shown["secret"])} if len(asked) != 1 else {"code": "000000"}

    client, _, secret, _ = await with_app(way, shop, on_step_up=prove)
    shown["secret"] = secret
    assert asked == []
    shop.later(400)
    answers = await asyncio.gather(*(way(client.request, "POST", "/payouts") for _ in range(12)))
    assert len({answer.json() for answer in answers}) == 12, "each was done once"
    assert asked == [(300, None), (300, "factor_refused")]
    await way(client.request, "POST", "/payouts")
    assert len(asked) == 2
    shop.later(400)
    await way(client.request, "POST", "/payouts")
    assert len(asked) == 3, "a later one is a question of its own"


async def test_who_does_not_want_to_prove_anything_is_asked_once_for_all(way: Way, shop: Shop) -> None:
    asked: list[int | None] = []

    closed, before = False, 0

    def prove(problem: StepUpRequired) -> None:
        asked.append(problem.max_age)
        deadline = time.monotonic() + 30
        # Threads begin when they can: all are under way before there is an answer. Tasks are, at once.
        while way.waits and shop.asked[before:].count("POST /payouts") < 5:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if closed:
            raise EOFError

    client, *_ = await with_app(way, shop, on_step_up=prove)
    shop.later(400)
    for closed in (False, True):
        asked.clear()
        before = len(shop.asked)
        done = [way(client.request, "POST", "/payouts") for _ in range(5)]
        answers = await asyncio.gather(*done, return_exceptions=True)
        assert {type(each) for each in answers} == ({EOFError, StepUpRequired} if closed else {StepUpRequired})
        assert asked == [300]


async def test_what_asks_for_a_proof_may_prove_it_itself_and_is_not_asked_about(shop: Shop) -> None:
    asked: list[str] = []
    shown: dict[str, str] = {}

    async def prove(problem: StepUpRequired) -> bool:
        with pytest.raises(StepUpRequired):
            await client.request("POST", "/payouts")
        await client.step_up(code=shop.code(shown["secret"]))
        asked.append(str(problem))
        return True

    way = Way(AsyncClient, shop.url)
    client, _, shown["secret"], _ = await with_app(way, shop, on_step_up=prove)
    shop.later(400)
    with anyio.fail_after(20):
        assert (await client.request("POST", "/payouts")).status_code == 200
    assert len(asked) == 1
    # A password is a good proof elsewhere; here it is refused, and the program hears what is wanted.
    with pytest.raises(StepUpRequired, match="second factor"):
        await client.step_up(password=PASSWORD)
    await client.close()


async def test_a_question_that_only_a_task_can_answer_is_refused_where_nothing_awaits(shop: Shop) -> None:
    async def prove(problem: StepUpRequired) -> bool:
        return True

    email = shop.somebody()
    with Client(shop.url, on_step_up=prove) as client:
        client.sign_in(email, PASSWORD)
        with pytest.raises(ClientError, match="AsyncClient awaits it"):
            client.request("POST", "/payouts")


async def test_sessions_and_keys(way: Way, shop: Shop) -> None:
    email = shop.somebody()
    client = await way.signed_in(email)
    other = await way.signed_in(email)
    found = await way(client.sessions.all)
    assert sorted(each["current"] for each in found) == [False, True]
    await way(client.sessions.end, next(each["id"] for each in found if not each["current"]))
    shop.later(2)
    await refused("sign_in_required", way(other.account.me))
    made = await way(client.keys.create, "nightly", ["profile:read"])
    program = way.client(api_key=made["key"])
    assert program.is_signed_in
    assert (await way(program.account.me))["api_key_id"] == made["id"]
    assert await way(program.access_token) == made["key"]
    shop.later(1)
    newer = await way(client.keys.rotate, made["id"], overlap=0)
    assert [each["hint"] for each in await way(client.keys.all)] == [newer["hint"]]
    assert (await way(client.keys.get, made["id"]))["name"] == "nightly"
    asked = len(shop.asked)
    await refused("sign_in_required", way(program.account.me))
    assert shop.asked[asked:] == ["GET /auth/me"], "a key is not exchanged"
    await way(client.keys.revoke, made["id"])
    for operation in (program.sign_out, program.refresh, partial(program.sign_in, email, PASSWORD)):
        with pytest.raises(ClientError, match="API key"):
            await way(operation)


def test_an_option_that_there_is_not_is_named(tmp_path: Any) -> None:
    with pytest.raises(TypeError, match="no option stor;"):
        Client("https://app.example", stor=None)  # type: ignore[call-arg]  # the mistake
    with pytest.raises(ClientError, match="no session"):
        Client("https://app.example", api_key="msk_x", store=FileStore(tmp_path / "x"))
