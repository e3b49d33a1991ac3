"""Services from the environment: what is set, what is refused, and what the app declares without an address."""

import pytest

from mainstay import ConfigurationError, Mainstay, Settings
from mainstay.testing import Backend


def test_a_service_is_set_field_by_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_OUTBOUND__GRAPH__BASE_URL", "https://graph.microsoft.com/v1.0")
    monkeypatch.setenv("MAINSTAY_OUTBOUND__GRAPH__RETRIES", "4")
    monkeypatch.setenv("MAINSTAY_OUTBOUND__GRAPH__TOKEN__ENTRA_TENANT", "contoso.example")
    monkeypatch.setenv("MAINSTAY_OUTBOUND__GRAPH__TOKEN__CLIENT_ID", "0a")
    monkeypatch.setenv("MAINSTAY_OUTBOUND__GRAPH__TOKEN__CLIENT_SECRET", "007")
    app = Mainstay()
    app.outbound("graph")
    service = app.rooms.outbound.service("graph")
    assert (service.retries, service.timeout) == (4, 10.0)
    token = service.token
    assert token is not None
    assert token.token_url == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    assert (token.scope, token.authentication) == ("https://graph.microsoft.com/.default", "form")
    assert token.client_secret.reveal() == "007"
    assert "007" not in f"{service!r}{app.settings!r}"


def test_a_service_without_an_address_stops_the_start_with_what_to_set() -> None:
    app = Mainstay()
    app.outbound("rates")
    with pytest.raises(ConfigurationError, match="MAINSTAY_OUTBOUND__RATES__BASE_URL"), Backend(app):
        pass


@pytest.mark.parametrize(
    ("services", "says"),
    [
        ({"a": {"base_url": "https://a.example", "retires": 3}}, "OUTBOUND__A__RETIRES"),
        ({"a": {"token": {"client_id": "x", "client_secret": "y"}}}, "either TOKEN_URL or ENTRA_TENANT"),
        ({"a": {"token": {"entra_tenant": "t", "client_id": "x", "client_secret": "y"}}}, "SCOPE"),
        ({"a": {"token": {"entra_tenant": "../t", "client_id": "x", "client_secret": "y"}}}, "ENTRA_TENANT"),
    ],
)
def test_what_cannot_work_is_a_sentence(services: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Settings(outbound=services)


def test_secrets_do_not_travel_in_clear_outside_development() -> None:
    key = "0123456789abcdefghijklmnopqrstuvwxyz"
    services = {"a": {"base_url": "http://a.example", "bearer": "secret"}}
    Settings(outbound=services)
    with pytest.raises(ConfigurationError, match="in clear in production"):
        Settings(environment="production", secret_key=key, outbound=services)


def test_networks_that_are_none_are_named() -> None:
    with pytest.raises(ConfigurationError, match="MAINSTAY_FETCH__NETWORKS"):
        _ = Mainstay(settings=Settings(fetch={"networks": ["10.0.0.1/8"]})).rooms


def test_a_service_is_part_of_health_and_not_of_readiness() -> None:
    services = {"rates": {"base_url": "http://127.0.0.1:9", "health": "/", "retries": 0}}
    with Backend(Mainstay(), settings={"outbound": services}) as backend:
        assert backend.client.get("/readyz").status_code == 200
        health = backend.client.get("/health")
        assert health.status_code == 200
        assert health.json()["components"]["outbound.rates"]["status"] == "down"
        assert backend.client.get("/health/outbound.rates").status_code == 503
