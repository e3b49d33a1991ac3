"""What is no HTTP, or says two things at once, is refused with 4xx and a closed connection; nobody else notices."""

import pytest

from tests.faults.server import Server
from tests.faults.wire import ALIVE, LIST, Answer, ask, note, post, wire

CHUNKED = "Transfer-Encoding: chunked"
NEXT = b"GET /api/v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def with_header(line: bytes) -> bytes:
    return ALIVE.replace(b"Host: x", b"Host: x\r\n" + line)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", 400),
        (b"GET /li\0vez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (with_header(b"X-A: a\0b"), 400),
        (with_header(b"X-A: a\rb"), 400),
        (with_header(b"X-A: a\r\n folded"), 400),
        (with_header(b"X A: a"), 400),
        (with_header(b"X-A: " + b"a" * 200_000), 431),
        (with_header(b"\r\n".join(b"X-%d: a" % number for number in range(101))), 431),
        (b"GET /livez?" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (bytes(range(11, 256)) * 16 + b"\r\n\r\n", 400),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_what_is_no_request_is_refused_and_the_connection_closed(server: Server, sent: bytes, status: int) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(sent)
        assert answer is None or answer.status == status, answer
        assert opened.closed_within(2) is not None


@pytest.mark.parametrize("target", [b"example.com:443", b"/livez", b"/docs/", b"/api/v1/notes"])
def test_it_is_no_proxy_and_tunnels_nothing(server: Server, target: bytes) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(b"CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        assert answer is not None
        assert answer.status == 405
        assert opened.closed_within(2) is not None


@pytest.mark.parametrize(
    "sent",
    [
        post(b"zz\r\nabc\r\n0\r\n\r\n", CHUNKED),
        post(b"ffffffffffffffffff\r\nabc", CHUNKED),
        post(b"3;" + b"a" * 20_000 + b"\r\nabc\r\n0\r\n\r\n", CHUNKED),
        post(b"3\r\nabcde\r\n0\r\n\r\n", CHUNKED),
        post(chunks(note())[:-2] + b"X-A: b\r\n" * 3000 + b"\r\n", CHUNKED),
    ],
    ids=["no number", "too large a number", "long extension", "more than it says", "many trailers"],
)
@pytest.mark.parametrize("path", ["/api/v1/notes", "/echo"])
def test_chunks_that_are_none_are_a_problem_of_the_callers(server: Server, sent: bytes, path: str) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(sent.replace(b"/api/v1/notes", path.encode()))
        assert answer is not None
        assert answer.status == 400, answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "malformed_body"
        assert opened.closed_within(2) is not None


@pytest.mark.parametrize(
    "sent",
    [
        post(chunks(note()), "Transfer-Encoding: xchunked", length=4),
        post(chunks(note()), "Transfer-Encoding: chunked, identity"),
        post(chunks(note()), CHUNKED, "Transfer-Encoding: identity"),
        post(chunks(note()), CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0"),
        post(note(), "Content-Length: 3"),
        post(note(), "Content-Length: 15, 15"),
        post(note(), "Content-Length: +15"),
        post(note(), "Content-Length: -1"),
        post(note()).replace(b"Content-Length:", b"Content-Length :"),
    ],
)
def test_where_a_body_ends_is_never_guessed(server: Server, sent: bytes) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(sent + NEXT)
        assert answer is not None
        assert answer.status == 400
        assert opened.answer() is None, "the request behind it was answered: it could be smuggled past a proxy"


@pytest.mark.parametrize("length_first", [True, False])
def test_a_request_with_two_lengths_is_the_last_of_its_connection(server: Server, length_first: bool) -> None:
    # RFC 9112 §6.3: by its chunks, or not at all, and the connection is closed after it.
    both = [CHUNKED, "Content-Length: 4"] if not length_first else ["Content-Length: 4", CHUNKED]
    head = ["POST /api/v1/notes HTTP/1.1", "Host: x", "Content-Type: application/json", *both, "", ""]
    with wire(server.port) as opened:
        answer = opened.ask("\r\n".join(head).encode() + chunks(note("by its chunks")) + NEXT)
        assert answer is not None
        assert answer.status == 400 or answer.json["text"] == "by its chunks"
        assert opened.answer() is None


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nhost: evil\r\n"])
def test_a_request_names_its_host_once(server: Server, hosts: bytes) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(b"GET /livez HTTP/1.1\r\n" + hosts + b"\r\n")
        assert answer is not None
        assert (answer.status, answer.json["code"]) == (400, "bad_request")
        assert opened.closed_within(2) is not None


def test_clients_of_http_1_0_need_no_host(server: Server) -> None:
    answer = ask(server.port, b"GET /livez HTTP/1.0\r\n\r\n")
    assert answer is not None
    assert answer.status == 200


def test_requests_that_come_before_their_turn_are_answered_in_order(server: Server) -> None:
    with wire(server.port) as opened:
        sent = [note(f"pipelined {number}") for number in range(50)]
        opened.send(b"".join(post(body) + ALIVE for body in sent))
        for number in range(50):
            created, alive = opened.answer(), opened.answer()
            assert created is not None
            assert alive is not None
            assert (created.status, created.json["text"], alive.status) == (201, f"pipelined {number}", 200)


@pytest.mark.parametrize("path", ["/%zz", "/%ff%fe", "/api/v1/notes/%00", "/api/v1/notes/" + "%2e%2e/" * 50])
def test_odd_paths_are_not_found(server: Server, path: str) -> None:
    answer = ask(server.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer is not None
    assert answer.status == 404
    assert answer.json["code"] == "not_found"


@pytest.mark.parametrize("method", ["TRACE", "FROBNICATE"])
def test_methods_that_nobody_serves_are_405(server: Server, method: str) -> None:
    answer = ask(server.port, f"{method} /api/v1/notes HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer is not None
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]


def test_a_body_that_a_read_did_not_ask_for_is_no_second_request(server: Server) -> None:
    with wire(server.port) as opened:
        answer = opened.ask(LIST.replace(b"Host: x", b"Host: x\r\nContent-Length: %d" % len(NEXT)) + NEXT + ALIVE)
        assert answer is not None
        assert answer.status == 200
        behind: Answer | None = opened.answer()
        assert behind is None or behind.json == {"status": "ok"}
