"""Whose address a request comes from: never what an untrusted party says."""

import pytest

from mainstay.base.client_address import ClientAddress
from mainstay.base.errors import ConfigurationError
from mainstay.base.ports import HttpScope
from tests.rooms.limits.callers import request

PROXY = "10.0.0.2"


def seen(address: str, forwarded: str | None = None, *trusted: str) -> str:
    more = {} if forwarded is None else {"forwarded": forwarded}
    return ClientAddress(trusted)(request(address=address, **more))


def test_without_trusted_proxies_the_connection_s_address_counts() -> None:
    assert seen("203.0.113.9") == "203.0.113.9"
    assert seen("203.0.113.9", "198.51.100.1") == "203.0.113.9"


def test_a_trusted_proxy_is_believed_about_its_client() -> None:
    assert seen(PROXY, "198.51.100.1", "10.0.0.0/8") == "198.51.100.1"
    assert seen(PROXY, "198.51.100.1:5555", "10.0.0.0/8") == "198.51.100.1"


def test_what_the_client_itself_claims_is_not_believed() -> None:
    assert seen(PROXY, "1.1.1.1, 2.2.2.2, 198.51.100.1", "10.0.0.0/8") == "198.51.100.1"
    assert seen(PROXY, "1.1.1.1, 198.51.100.1, 10.9.9.9", "10.0.0.0/8") == "198.51.100.1"


def test_somebody_who_reaches_the_app_past_the_proxy_is_not_believed() -> None:
    assert seen("203.0.113.9", "198.51.100.1", "10.0.0.0/8") == "203.0.113.9"


@pytest.mark.parametrize("forwarded", ["", "unknown", "198.51.100.1, _hidden", "198.51.100.1, 10.0.0.999", ", ,"])
def test_a_header_that_cannot_be_read_counts_for_the_proxy(forwarded: str) -> None:
    assert seen(PROXY, forwarded, "10.0.0.0/8") == PROXY


def test_an_unreadable_part_ends_the_reading() -> None:
    assert seen(PROXY, "1.1.1.1, junk, 10.0.0.3", "10.0.0.0/8") == "10.0.0.3"


def test_an_ipv6_client_is_its_whole_network() -> None:
    assert seen("2001:db8:1:2::1") == seen("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert seen("2001:db8:1:3::1") != seen("2001:db8:1:2::1")
    assert seen(PROXY, "[2001:db8:1:2::5]:443", "10.0.0.0/8") == "2001:db8:1:2::/64"
    assert seen("::ffff:192.0.2.1") == "192.0.2.1"


def test_without_an_address_everybody_is_one_and_the_same() -> None:
    scope: HttpScope = {**request(), "client": None}
    assert ClientAddress()(scope) == "unknown"
    assert ClientAddress()(request(address="testclient")) == "unknown"


def test_a_proxy_on_a_unix_socket_is_believed_where_that_is_said() -> None:
    scope: HttpScope = {**request(forwarded="198.51.100.1"), "client": None}
    assert ClientAddress()(scope) == "unknown"
    assert ClientAddress(("unix",))(scope) == "198.51.100.1"


def test_a_proxy_that_is_no_network_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no network"):
        ClientAddress(("proxy.internal",))
