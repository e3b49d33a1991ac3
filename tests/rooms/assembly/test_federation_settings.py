"""Providers from the environment: little is needed, and what is missing is said at the start."""

from typing import Any

import pytest

from mainstay import ConfigurationError, Mainstay, Settings

KEY = "0123456789abcdefghijklmnopqrstuvwxyz"
GUID = "11111111-2222-3333-4444-555555555555"
OIDC = {"issuer": "https://issuer.example", "client_id": "us", "client_secret": "secret"}


def test_presets_need_little_more_than_an_id_and_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE", "GITHUB", "ENTRA"):
        monkeypatch.setenv(f"MAINSTAY_FEDERATION__{name}__CLIENT_ID", "us")
        monkeypatch.setenv(f"MAINSTAY_FEDERATION__{name}__CLIENT_SECRET", "007")
    monkeypatch.setenv("MAINSTAY_FEDERATION__ENTRA__TENANT", GUID)
    app = Mainstay()
    made = {each.name: each for each in app.rooms.identity.federation.providers}
    assert made["google"].issuer == "https://accounts.google.com"
    assert made["github"].userinfo_url == "https://api.github.com/user"
    assert made["entra"].issuer == f"https://login.microsoftonline.com/{GUID}/v2.0"
    assert made["entra"].tenants == {GUID}
    assert (made["entra"].trust_email, made["google"].trust_email) == ("never", "verified")
    assert "007" not in f"{made}{app.settings!r}"


@pytest.mark.parametrize(
    ("provider", "says"),
    [
        ({"client_id": "us", "client_secret": "x"}, "needs its issuer.*MAINSTAY_FEDERATION__CORP__ISSUER"),
        ({"issuer": "https://i.example", "client_id": "us"}, "needs the secret.*CORP__CLIENT_SECRET"),
        ({**OIDC, "authentication": "private_key_jwt"}, "private key.*CORP__PRIVATE_KEY"),
        ({**OIDC, "kind": "oauth2"}, "authorization endpoint.*CORP__AUTHORIZE_URL"),
        ({**OIDC, "kind": "oauth2", "authorize_url": "https://i.example/a"}, "token endpoint"),
        ({"preset": "entra", "client_id": "us", "client_secret": "x"}, "CORP__TENANT"),
        (
            {"preset": "entra", "tenant": "common", "client_id": "us", "client_secret": "x"},
            "may enter.*TENANTS",
        ),
        ({"preset": "entra", "tenant": "corp.example", "client_id": "us", "client_secret": "x"}, "which number"),
        (
            {"preset": "entra", "tenant": "common", "tenants": ["corp"], "client_id": "us", "client_secret": "x"},
            "told apart by number",
        ),
        ({**OIDC, "scope": "openid"}, "FEDERATION__CORP__SCOPE"),
    ],
)
def test_what_is_missing_is_a_sentence_with_the_setting(provider: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Settings(federation={"corp": provider})


@pytest.mark.parametrize("name", ["Corp", "a b", "", "x" * 41, "links", "exchange"])
def test_a_name_that_cannot_stand_in_an_address(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a provider's name"):
        Settings(federation={name: OIDC})


@pytest.mark.parametrize(
    "origin", ["https://app.example/", "app.example", "*", "null", "https://u@app.example", "https://APP.example"]
)
def test_origins_are_origins(origin: str) -> None:
    with pytest.raises(ConfigurationError, match="which is no origin"):
        Settings(federation={"corp": OIDC}, federation_origins=(origin,))


def test_what_is_good_for_development_alone_is_refused_in_production() -> None:
    strict: dict[str, Any] = {"environment": "production", "secret_key": KEY}
    public = {**strict, "public_url": "https://shop.example"}
    for settings, says in (
        ({**strict, "federation": {"corp": OIDC}}, "MAINSTAY_PUBLIC_URL"),
        ({**public, "federation": {"corp": {**OIDC, "issuer": "http://issuer.example"}}}, "forged on the way"),
        ({**public, "federation": {"corp": OIDC}, "federation_origins": ("http://app.example",)}, "in clear"),
    ):
        with pytest.raises(ConfigurationError, match=says):
            Settings(**settings)
