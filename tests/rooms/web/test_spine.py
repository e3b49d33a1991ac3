"""The outermost layer: ids, log lines, and answers when all else breaks."""

import asyncio
import io
import json
import logging
from typing import Any

import httpx
import pytest

from mainstay.base.errors import Forbidden, NotFound
from mainstay.web import AccessLog, BodyGuard, BodyLimits, Spine, send_bytes


async def answering(scope: Any, receive: Any, send: Any) -> None:
    await send_bytes(send, 200, [(b"content-length", b"2")], b"ok")


async def breaking(scope: Any, receive: Any, send: Any) -> None:
    raise ZeroDivisionError("the secret is hunter2")


async def refusing(scope: Any, receive: Any, send: Any) -> None:
    raise NotFound("No \r\nSet-Cookie: a=b \ud800 here.", headers={"X-Note": "a\r\nb: c"})


class Outside:
    """An app behind the spine, and what it logged."""

    def __init__(self, app: Any, form: Any = "json") -> None:
        self.stream = io.StringIO()
        self.log = AccessLog(form, self.stream)
        self.app = Spine(app, self.log)

    async def get(self, path: str = "/a", **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answer = await client.request(options.pop("method", "GET"), path, **options)
        self.log.flush()
        return answer


async def test_a_sane_request_id_is_kept_and_echoed() -> None:
    answer = await Outside(answering).get(headers={"X-Request-ID": "abcd-1234"})
    assert answer.headers["x-request-id"] == "abcd-1234"


@pytest.mark.parametrize("sent", ["short", "with space in it", "x" * 129, "<script>alert(1)</script>"])
async def test_a_request_id_that_could_do_harm_is_replaced(sent: str) -> None:
    answer = await Outside(answering).get(headers={"X-Request-ID": sent})
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-request-id"] != sent


async def test_every_answer_forbids_guessing_its_type() -> None:
    assert (await Outside(answering).get()).headers["x-content-type-options"] == "nosniff"


async def test_one_line_a_request_says_what_came_of_it() -> None:
    outside = Outside(answering)
    answer = await outside.get("/some/path?token=secret")
    (line,) = outside.stream.getvalue().splitlines()
    entry = json.loads(line)
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/some/path", 200)
    assert entry["request_id"] == answer.headers["x-request-id"]
    assert entry["duration_ms"] >= 0
    assert entry["tenant"] is None
    assert entry["user"] is None
    assert "secret" not in line


async def test_a_plain_line_cannot_be_forged_by_a_path() -> None:
    outside = Outside(answering, "plain")
    await outside.get("/a%0a12:00:00 200 GET /forged")
    assert len(outside.stream.getvalue().splitlines()) == 1


async def test_a_handler_on_the_access_logger_gets_the_lines_instead(caplog: pytest.LogCaptureFixture) -> None:
    logger, outside = logging.getLogger("mainstay.access"), Outside(answering)
    logger.addHandler(caplog.handler)
    logger.setLevel(logging.INFO)
    try:
        await outside.get()
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.records
    assert not outside.stream.getvalue()


async def test_what_breaks_is_told_to_the_log_and_not_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    outside = Outside(breaking)
    answer = await outside.get()
    body = answer.json()
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["code"] == "internal_error"
    assert body["request_id"] == answer.headers["x-request-id"]
    assert "hunter2" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert json.loads(outside.stream.getvalue())["status"] == 500


async def test_a_refusal_that_nobody_answered_is_a_problem_and_cannot_smuggle_headers() -> None:
    answer = await Outside(refusing).get("/x")
    body = answer.json()
    assert answer.status_code == 404
    assert (body["status"], body["instance"], body["code"], body["title"]) == (404, "/x", "not_found", "Not found")
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-note"] == "a b: c"


async def test_a_head_request_is_refused_without_a_body() -> None:
    answer = await Outside(refusing).get(method="HEAD")
    assert answer.status_code == 404
    assert answer.content == b""


async def test_403_carries_a_challenge() -> None:
    async def forbidding(scope: Any, receive: Any, send: Any) -> None:
        raise Forbidden("No.")

    assert (await Outside(forbidding).get()).headers["www-authenticate"].startswith("Bearer")


async def test_a_plain_413_from_below_becomes_a_problem() -> None:
    async def plain(scope: Any, receive: Any, send: Any) -> None:
        await send_bytes(send, 413, [(b"content-type", b"text/plain; charset=utf-8")], b"Content Too Large")

    answer = await Outside(BodyGuard(plain, BodyLimits(size=7))).get()
    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert "7 bytes" in answer.json()["detail"]


async def test_a_reader_of_a_slow_body_is_answered_for_with_408() -> None:
    async def swallowing(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
        except Exception:
            await send_bytes(send, 400, [], b"cannot parse")

    async def silent() -> Any:
        await never.wait()

    never = asyncio.Event()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    guard = BodyGuard(swallowing, BodyLimits(grace=0.05))
    await guard({"type": "http", "method": "POST", "path": "/", "headers": []}, silent, send)
    assert [message.get("status") for message in sent] == [408, None]


async def test_beyond_so_many_requests_under_way_another_is_refused_at_once() -> None:
    go_on = asyncio.Event()

    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await go_on.wait()
        await answering(scope, receive, send)

    transport = httpx.ASGITransport(Spine(waiting, AccessLog("off"), most=2))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        under_way = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
        await asyncio.sleep(0.01)
        refused = await client.get("/a")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "busy", "1")
        assert refused.headers["x-request-id"]
        assert (await client.get("/livez")).status_code == 200
        go_on.set()
        assert [(await each).status_code for each in under_way] == [200, 200]
        assert (await client.get("/a")).status_code == 200
