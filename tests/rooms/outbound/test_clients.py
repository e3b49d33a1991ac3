"""A service's client: its turn, its attempts, its limits, and what it tells."""

import asyncio
import gzip
import time
from collections.abc import Iterator
from email.utils import format_datetime

import httpx2
import pytest

from mainstay.base.actor import ANONYMOUS
from mainstay.base.context import Caller, acting
from mainstay.base.errors import ConfigurationError, Unavailable
from mainstay.outbound import AnswerRefused, Outbound, ServiceAway, ServiceLate, ServiceOptions
from tests.rooms.identity.clock import WoundClock
from tests.rooms.outbound.loopback import Answer, Asked, Loopback, answer, as_json, loopback


def outbound_to(server: Loopback, **options: object) -> Outbound:
    quick = {"backoff": 0.001, "base_url": f"{server.url}/v1", **options}
    return Outbound({"rates": ServiceOptions(**quick)}, clock=WoundClock())  # type: ignore[arg-type]  # each test its own


def in_turn(*answers: Answer) -> Iterator[Answer]:
    yield from answers
    while True:
        yield answers[-1]


async def test_paths_are_below_the_base_and_json_comes_back() -> None:
    async with loopback(lambda asked: as_json({"target": asked.target})) as server:
        outbound = outbound_to(server, headers=(("X-Api-Version", "3"),))
        found = await outbound.client("rates").get("/latest", params={"base": "EUR"})
        assert found.json() == {"target": "/v1/latest?base=EUR"}
        assert server.asked[0].headers["x-api-version"] == "3"
        await outbound.close()


async def test_one_client_a_service_with_pooled_connections() -> None:
    async with loopback() as server:
        outbound = outbound_to(server)
        assert outbound.client("rates") is outbound.client("rates")
        for _ in range(5):
            await outbound.client("rates").get("/")
        assert server.connections == 1
        await outbound.close()


async def test_the_request_id_is_passed_on_and_the_trace_too() -> None:
    async with loopback() as server:
        traced = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        outbound = Outbound(
            {"rates": ServiceOptions(base_url=server.url)},
            carry=lambda headers: headers.update({"traceparent": traced}),
        )
        with acting(Caller(ANONYMOUS, None, "of-this-request")):
            await outbound.client("rates").get("/")
        assert server.asked[0].headers["x-request-id"] == "of-this-request"
        assert server.asked[0].headers["traceparent"] == traced
        await outbound.close()


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_passing_refusal_is_tried_again_where_a_request_may_be_repeated(status: int) -> None:
    async with loopback() as server:
        said = in_turn(answer(status), answer(status), answer(200))
        server.script = lambda _: next(said)
        outbound = outbound_to(server)
        assert (await outbound.client("rates").get("/")).status_code == 200
        assert len(server.asked) == 3
        assert outbound.figures()["rates"].retries == 2
        await outbound.close()


async def test_a_post_is_sent_once_unless_it_carries_a_key() -> None:
    async with loopback(lambda _: answer(503)) as server:
        outbound = outbound_to(server)
        client = outbound.client("rates")
        assert (await client.post("/", json={})).status_code == 503
        assert len(server.asked) == 1
        await client.post("/", json={}, headers={"Idempotency-Key": "k"})
        assert len(server.asked) == 4
        await outbound.close()


async def test_a_post_whose_connection_breaks_is_not_sent_again() -> None:
    async with loopback(lambda _: b"") as server:
        outbound = outbound_to(server)
        with pytest.raises(ServiceAway):
            await outbound.client("rates").post("/", json={})
        assert len(server.asked) == 1
        await outbound.close()


async def test_a_streamed_body_is_sent_once() -> None:
    async with loopback(lambda _: answer(503)) as server:

        async def pieces() -> object:
            yield b"x"

        outbound = outbound_to(server)
        headers = {"Content-Length": "1"}
        await outbound.client("rates").put("/", content=pieces(), headers=headers)  # type: ignore[arg-type]  # a stream
        assert len(server.asked) == 1
        await outbound.close()


async def test_retry_after_is_kept_to_in_both_forms_and_a_long_one_is_handed_on() -> None:
    clock = WoundClock()
    async with loopback() as server:
        for value, attempts in [("0", 2), (format_datetime(clock.now(), usegmt=True), 2), ("3600", 1), ("soon", 2)]:
            said = in_turn(answer(503, retry_after=value), answer(200))
            server.script = lambda _, said=said: next(said)  # type: ignore[misc]  # bound here
            server.asked.clear()
            outbound = outbound_to(server)
            found = await outbound.client("rates").get("/")
            assert len(server.asked) == attempts, value
            assert found.status_code == (200 if attempts == 2 else 503)
            await outbound.close()


async def test_the_deadline_holds_over_all_attempts_and_over_the_body() -> None:
    async def never(_: Asked) -> bytes:
        await asyncio.sleep(60)
        return b""

    async def dripping(_: Asked) -> list[bytes]:
        return [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b"x"]

    async with loopback() as server:
        outbound = outbound_to(server, deadline=0.3, timeout=0.2, retries=10)
        for script in (never, dripping):
            server.script = script
            began = time.perf_counter()
            with pytest.raises(ServiceLate) as late:
                await outbound.client("rates").get("/")
            assert time.perf_counter() - began < 20
            # Whichever way a caller likes to catch it.
            assert isinstance(late.value, Unavailable)
            assert isinstance(late.value, httpx2.TimeoutException)
        await outbound.close()


async def test_a_service_that_is_away_is_a_503_of_ours_and_an_error_of_httpx() -> None:
    outbound = Outbound({"rates": ServiceOptions(base_url="http://127.0.0.1:9", backoff=0.001)})
    with pytest.raises(ServiceAway) as away:
        await outbound.client("rates").get("/")
    assert isinstance(away.value, httpx2.TransportError)
    assert away.value.status == 503
    assert "127.0.0.1" not in away.value.detail
    assert outbound.figures()["rates"].calls == {"away": 1}
    await outbound.close()


async def test_no_more_calls_at_once_than_agreed_and_the_rest_waits_for_a_while() -> None:
    most = now = 0

    async def slow(_: Asked) -> bytes:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.05)
        now -= 1
        return answer()

    async with loopback(slow) as server:
        outbound = outbound_to(server, concurrency=2)
        await asyncio.gather(*(outbound.client("rates").get("/") for _ in range(6)))
        assert most == 2
        await outbound.close()
        outbound = outbound_to(server, concurrency=1, wait=0.01)
        ends = await asyncio.gather(*(outbound.client("rates").get("/") for _ in range(3)), return_exceptions=True)
        assert sorted(type(each).__name__ for each in ends) == ["Response", "ServiceLate", "ServiceLate"]
        assert outbound.figures()["rates"].in_flight == 0
        await outbound.close()


async def test_a_turn_ends_with_the_answer_that_was_read_or_closed() -> None:
    async with loopback(lambda _: answer(200, b"x" * 1000)) as server:
        outbound = outbound_to(server, concurrency=1, wait=0.5)
        for _ in range(3):
            async with outbound.client("rates").stream("GET", "/") as streamed:
                assert streamed.status_code == 200
        await outbound.close()


async def test_answers_are_bounded_as_they_travel_and_as_they_unpack() -> None:
    packed = gzip.compress(b"0" * 5_000_000)
    assert len(packed) < 10_000
    chunked = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", *[b"400\r\n" + b"x" * 1024 + b"\r\n"] * 200]
    bombs: list[Answer] = [
        answer(200, b"x" * 100_001),
        chunked,
        answer(200, packed, content_encoding="gzip"),
        answer(200, b"\x00" * 10, content_encoding="br"),
        answer(200, b"not packed", content_encoding="gzip"),
        answer(200, packed[:50], content_encoding="gzip"),
    ]
    async with loopback() as server:
        outbound = outbound_to(server, answer_limit=100_000, concurrency=1, retries=0, wait=0.5)
        for bomb in bombs:
            server.script = lambda _, bomb=bomb: bomb  # type: ignore[misc]  # bound here
            with pytest.raises(AnswerRefused):
                await outbound.client("rates").get("/")
        server.script = lambda _: answer(200, gzip.compress(b"1" * 90_000), content_encoding="gzip")
        assert (await outbound.client("rates").get("/")).content == b"1" * 90_000
        await outbound.close()


async def test_what_unpacks_to_nothing_is_bounded_too() -> None:
    def chunked(*pieces: bytes) -> list[bytes]:
        head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-encoding: gzip\r\n\r\n"
        return [head, *(b"%x\r\n%b\r\n" % (len(each), each) for each in pieces), b"0\r\n\r\n"]

    whole = gzip.compress(b"well")
    # Behind the end of the packed answer; and stored blocks of no bytes (RFC 1951 §3.2.4), which never come to one.
    behind, empty = chunked(whole, *[b"x" * 65_536] * 200), chunked(whole[:10], *[b"\0\0\0\xff\xff" * 10_000] * 200)
    async with loopback() as server:
        outbound = outbound_to(server, answer_limit=100_000, concurrency=1, retries=0, wait=0.5)
        for endless in (behind, empty):
            server.script = lambda _, endless=endless: endless  # type: ignore[misc]  # bound here
            with pytest.raises(AnswerRefused, match="packed bytes"):
                await outbound.client("rates").get("/")
        server.script = lambda _: chunked(whole, b"x" * 50_000, b"y" * 50_000)
        assert (await outbound.client("rates").get("/")).content == b"well"
        await outbound.close()


@pytest.mark.parametrize(
    "path",
    [
        "/../admin",
        "/%2e%2e/admin",
        "/x/%2E%2e/%2e%2E/admin",
        "/..%5cadmin",
        "/books/..%2F..%2Fadmin",
        "http://169.254.169.254/latest",
        "http://127.0.0.1:1/v1/x",
        "https://127.0.0.1/v1/x",
    ],
)
async def test_a_path_that_callers_had_a_part_in_leads_nowhere_else(path: str) -> None:
    async with loopback(lambda asked: as_json(asked.target)) as server:
        outbound = outbound_to(server)
        with pytest.raises(ServiceAway, match="not called"):
            await outbound.client("rates").get(path)
        assert server.asked == []
        await outbound.close()


async def test_what_is_set_for_one_caller_is_not_sent_for_the_next() -> None:
    async with loopback(lambda _: answer(200, set_cookie="session=ada; Path=/")) as server:
        outbound = outbound_to(server)
        await outbound.client("rates").get("/")
        await outbound.client("rates").get("/")
        assert "cookie" not in server.asked[1].headers
        await outbound.close()


async def test_redirects_lead_nowhere_unless_asked_for_and_never_away() -> None:
    async with loopback() as server, loopback() as other:
        server.script = lambda _: answer(302, location=f"{other.url}/")
        outbound = outbound_to(server)
        assert (await outbound.client("rates").get("/")).status_code == 302
        with pytest.raises(ServiceAway):
            await outbound.client("rates").get("/", follow_redirects=True)
        assert other.asked == []
        await outbound.close()


async def test_a_probe_asks_seldom_and_says_whether_the_service_is_well() -> None:
    async with loopback() as server:
        clock = WoundClock()
        outbound = Outbound({"rates": ServiceOptions(base_url=server.url, health="/up", retries=0)}, clock=clock)
        for _ in range(3):
            await outbound.probe("rates")
        assert [each.target for each in server.asked] == ["/up"]
        server.script = lambda _: answer(500)
        clock.advance(6)
        with pytest.raises(ConnectionError):
            await outbound.probe("rates")
        await outbound.close()


@pytest.mark.parametrize(
    "url", ["", "rates.example", "ftp://x.example", "https://u:p@x.example", "https://x.example?a"]
)
def test_a_service_without_a_usable_address_is_named_with_what_to_set(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MAINSTAY_OUTBOUND__RATES__BASE_URL"):
        Outbound({"rates": ServiceOptions(base_url=url)}).declare("rates")
    with pytest.raises(ConfigurationError, match="'weather' that has no address"):
        Outbound({}).declare("weather")


def test_settings_go_over_what_the_app_says_field_by_field() -> None:
    outbound = Outbound({"rates": ServiceOptions(base_url="https://a.example", retries=5)}, {"rates": {"timeout": 3.0}})
    service = outbound.service("rates")
    assert (service.base_url, service.retries, service.timeout) == ("https://a.example", 5, 3.0)
