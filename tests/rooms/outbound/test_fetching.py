"""Fetching from addresses that strangers gave: the public internet only, whatever they are spelt like."""

import asyncio
import gzip
import ssl
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from mainstay.outbound import AddressRefused, AnswerRefused, Fetcher, FetchOptions, ServiceAway, ServiceLate
from mainstay.outbound.addresses import is_open
from tests.rooms.outbound.certificates import tls_for
from tests.rooms.outbound.loopback import Asked, Loopback, answer, as_json, loopback

HERE = ("127.0.0.0/8",)

REFUSED = """
http://example.com/
ftp://example.com/
file:///etc/passwd
gopher://example.com/
javascript:alert(1)
//example.com/
example.com
https://
https:///path
https://127.0.0.1/
https://127.0.0.53:443/
https://127.1/
https://127.0.1/
https://2130706433/
https://0x7f000001/
https://0x7f.0x0.0x0.0x1/
https://0177.0.0.1/
https://0177.0.0.01/
https://017700000001/
https://127.0.0.1./
https://127.0.0.0x1/
https://1.2.3.4.5/
https://256.1.1.1/
https://0/
https://0.0.0.0/
https://10.0.0.1/
https://10.255.255.255/
https://100.64.0.1/
https://100.100.100.200/latest/meta-data
https://168.63.129.16/
https://169.254.169.254/latest/meta-data/
https://172.16.0.1/
https://172.31.255.255/
https://192.0.0.192/
https://192.168.1.1/
https://198.18.0.1/
https://224.0.0.1/
https://255.255.255.255/
https://[::]/
https://[::1]/
https://[0:0:0:0:0:0:0:1]/
https://[::ffff:127.0.0.1]/
https://[::ffff:7f00:1]/
https://[::ffff:169.254.169.254]/
https://[::127.0.0.1]/
https://[64:ff9b::127.0.0.1]/
https://[64:ff9b::a9fe:a9fe]/
https://[64:ff9b:1::1]/
https://[2002:7f00:1::]/
https://[2002:a9fe:a9fe::]/
https://[2001:0:7f00:1::]/
https://[2001:db8::1]/
https://[fc00::1]/
https://[fd00:ec2::254]/
https://[fe80::1]/
https://[fe80::1%25eth0]/
https://[fe80::1%eth0]/
https://[ff02::1]/
https://[fec0::1]/
https://localhost/
https://LOCALHOST/
https://intranet/
https://user@example.com/
https://user:password@example.com/
https://@example.com/
https://example.com@127.0.0.1/
http://localhost:80@attacker.example/
https://example.com:80@127.0.0.1/
https://example.com:22/
https://example.com:6379/
https://example.com:0/
https://example.com:99999/
https://example.com:-1/
https://exa mple.com/
https://example.com\\@127.0.0.1/
https://127.0.0.1\\.example.com/
https://example.com/\r\nX-Injected: 1
https://example.com/\ta
https://\uff11\uff12\uff17.\uff10.\uff10.\uff11/
https://①②⑦.⓪.⓪.①/
https://127。0。0。1/
https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/
https://-example.com/
https://exa%6dple.com/
https://%31%32%37.0.0.1/
https://127.0.0.1%00.example.com/
https://.example.com/
https://example..com/
""".strip("\n").split("\n")


class Names:
    """A resolver that knows what a test tells it, one answer after the other, and counts."""

    def __init__(self, **known: list[list[str]]) -> None:
        self.known = {name.replace("_", "."): answers for name, answers in known.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.known.get(host, [[]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def open_to(server: Loopback, names: Names | None = None, tls: ssl.SSLContext | None = None, **more: object) -> Fetcher:
    """As on a machine whose loopback were the public internet."""
    options = FetchOptions(http=True, ports=frozenset({server.port}), networks=HERE, **more)  # type: ignore[arg-type]  # each test its own
    return Fetcher(options, resolve=names or Names(), tls=tls)


@pytest.mark.parametrize("url", REFUSED)
async def test_what_is_no_public_https_address_is_refused_before_anything_is_asked(url: str) -> None:
    names = Names(example_com=[["93.184.215.14"]])
    with pytest.raises(AddressRefused) as refused:
        await Fetcher(resolve=names).fetch(url)
    assert names.asked == []
    # Why is for the log: the answer would tell of our network.
    assert refused.value.detail == "This address may not be called from here."


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["::ffff:10.0.0.1"],
        ["fe80::1%eth0"],
        ["fe80::1%2"],
        ["64:ff9b::7f00:1"],
        ["93.184.215.14", "10.0.0.1"],
        ["no address"],
    ],
)
async def test_a_name_that_means_a_private_address_is_refused_even_beside_public_ones(found: list[str]) -> None:
    with pytest.raises(AddressRefused):
        await Fetcher(resolve=Names(attacker_example=[found])).fetch("https://attacker.example/")


async def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_called() -> None:
    async with loopback(lambda asked: as_json(asked.headers["host"])) as server:
        # Open at the first look, and Docker's own network at the second: the second look is never taken.
        names = Names(rebinding_example=[["127.0.0.1"], ["172.17.0.1"]])
        fetched = await open_to(server, names).fetch(f"http://rebinding.example:{server.port}/")
        assert fetched.json() == f"rebinding.example:{server.port}"
        assert names.asked == ["rebinding.example"]


async def test_the_certificate_is_checked_against_the_name_and_not_the_address(tmp_path: Path) -> None:
    serving, trusting = tls_for(tmp_path, "right.example")
    async with loopback(lambda _: answer(200, b"ok"), tls=serving) as server:
        names = Names(right_example=[["127.0.0.1"]], wrong_example=[["127.0.0.1"]])
        fetcher = open_to(server, names, trusting)
        assert (await fetcher.fetch(f"https://right.example:{server.port}/")).body == b"ok"
        with pytest.raises(ServiceAway):
            await fetcher.fetch(f"https://wrong.example:{server.port}/")
        with pytest.raises(ServiceAway):
            await fetcher.fetch(f"https://127.0.0.1:{server.port}/")
        # And without the test's authority nobody is trusted at all.
        with pytest.raises(ServiceAway):
            await open_to(server, names).fetch(f"https://right.example:{server.port}/")


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/",
        "//10.0.0.1/",
        "http://user@127.0.0.1/",
        "file:///etc/passwd",
        "http://localhost/",
        "http://private.example/",
        "https://[::1",
    ],
)
async def test_a_redirect_goes_through_the_same_checks(to: str) -> None:
    async with loopback(lambda _: answer(302, location=to)) as server:
        names = Names(private_example=[["10.1.2.3"]])
        with pytest.raises(AddressRefused):
            await open_to(server, names).fetch(f"{server.url}/")
        assert len(server.asked) == 1


async def test_redirects_are_followed_a_few_times_without_the_headers_for_the_first_host() -> None:
    async with loopback() as server:
        names = Names(first_example=[["127.0.0.1"]], other_example=[["127.0.0.1"]])
        there = f"http://other.example:{server.port}/b"
        server.script = lambda asked: answer(302, location=there) if asked.target == "/a" else answer(200, b"there")
        fetcher = open_to(server, names)
        url = f"http://first.example:{server.port}/a"
        fetched = await fetcher.fetch(url, headers={"Authorization": "Bearer x", "Cookie": "y"})
        assert (fetched.body, fetched.url) == (b"there", there)
        assert server.asked[0].headers["authorization"] == "Bearer x"
        assert not {"authorization", "cookie"} & set(server.asked[1].headers)
        # Nothing is posted where nobody said it may be.
        assert (await fetcher.fetch(url, method="POST", content=b"secret")).status == 302
        server.script = lambda _: answer(302, location="/a")
        with pytest.raises(AnswerRefused):
            await fetcher.fetch(url)


async def test_https_is_not_given_up_by_a_redirect(tmp_path: Path) -> None:
    serving, trusting = tls_for(tmp_path, "right.example")
    async with loopback(lambda _: answer(301, location="http://right.example/"), tls=serving) as server:
        fetcher = open_to(server, Names(right_example=[["127.0.0.1"]]), trusting)
        with pytest.raises(AddressRefused):
            await fetcher.fetch(f"https://right.example:{server.port}/")


async def test_what_comes_back_is_bounded_in_size_time_and_kind() -> None:
    async def dripping(_: Asked) -> list[bytes]:
        return [b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b"x"]

    async def silent(_: Asked) -> bytes:
        await asyncio.sleep(60)
        return b""

    async with loopback() as server:
        fetcher = open_to(server, answer_limit=10_000, deadline=0.3)
        for large in (
            answer(200, b"x" * 10_001),
            answer(200, gzip.compress(b"0" * 10_000_000), content_encoding="gzip"),
        ):
            server.script = lambda _, large=large: large  # type: ignore[misc]  # bound here
            with pytest.raises(AnswerRefused):
                await fetcher.fetch(f"{server.url}/")
        for late in (dripping, silent):
            server.script, began = late, time.perf_counter()
            with pytest.raises(ServiceLate):
                await fetcher.fetch(f"{server.url}/")
            assert time.perf_counter() - began < 20
        server.script = lambda _: answer(200, b"<script>", content_type="text/html; charset=utf-8")
        with pytest.raises(AnswerRefused):
            await fetcher.fetch(f"{server.url}/", accept=["application/json"])
        server.script = lambda _: as_json({"a": 1})
        assert (await fetcher.fetch(f"{server.url}/", accept=["application/json"])).json() == {"a": 1}


async def test_an_operators_own_address_may_be_private_and_what_it_names_may_not() -> None:
    async with loopback(lambda _: as_json({"jwks_uri": "…"})) as server, loopback() as other:
        fetcher = Fetcher(resolve=Names(keycloak=[["127.0.0.1"]]))
        assert (await fetcher.fetch(f"{server.url}/keys", trusting=f"{server.url}/realm")).status == 200
        assert (
            await fetcher.fetch(f"http://keycloak:{server.port}/", trusting=f"http://keycloak:{server.port}")
        ).status
        for elsewhere in (f"{other.url}/", "https://10.0.0.1/", f"https://127.0.0.1:{server.port}/"):
            with pytest.raises(AddressRefused):
                await fetcher.fetch(elsewhere, trusting=f"{server.url}/realm")
        assert other.asked == []


@pytest.mark.parametrize("address", ["1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_are_open(address: str) -> None:
    assert is_open(ip_address(address))


async def test_nothing_is_kept_between_two_fetches() -> None:
    async with loopback(lambda _: answer(200, set_cookie="a=b")) as server:
        fetcher = open_to(server)
        await fetcher.fetch(f"{server.url}/")
        await fetcher.fetch(f"{server.url}/")
        assert server.connections == 2
        assert "cookie" not in server.asked[1].headers
