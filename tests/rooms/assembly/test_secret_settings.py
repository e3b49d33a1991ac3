"""Secrets in settings: never shown, and refused outside development where anybody could guess them."""

import json
import stat
from pathlib import Path
from typing import Any, get_args

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import BaseModel, SecretStr

from mainstay.assembly import Settings
from mainstay.base.errors import ConfigurationError

KEY = "a-secret-key-for-tests-0123456789-abcdef"
OTHER = "another-secret-key-for-tests-zyxwvutsrq"
ISSUER = {"issuer": "https://old.example", "audiences": ["shop"], "algorithms": ["HS256"], "secret": OTHER}


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(**values: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        Settings(**({"environment": "production", "secret_key": KEY} | values))
    assert caught.value.fix
    return caught.value


GUESSABLE = (
    "changeme-8f3k29fk2039fk203fk230fk20f3",
    "CHANGE_ME_8f3k29fk2039fk203fk230fk20",
    "your-secret-key-here-please-replace-it",
    "django-insecure-8f3k29fk2039fk203fk230",
    "development-8f3k29fk2039fk203fk230fk2039f",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "0123456789abcdefABCDEF0123456789abcdef"[:16] * 3,
    "correct-horse-batt" * 2,
    "aB3-" * 12,
)


@pytest.mark.parametrize("secret", GUESSABLE)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_master_key_that_can_be_guessed_refuses_to_start(environment: str, secret: str) -> None:
    error = refused(environment=environment, secret_key=secret)
    assert "MAINSTAY_SECRET_KEY" in str(error)
    assert secret not in f"{error} {error.fix}"
    assert Settings(environment="testing", secret_key=secret)


@pytest.mark.parametrize("name", ["database_url", "database_system_url", "redis_url"])
@pytest.mark.parametrize(
    "account", ["postgres:postgres", "shop:shop", "shop:Shop", "shop:password", "root:", ":redis", "a:change%2Dme"]
)
def test_a_password_that_anybody_tries_first_refuses_to_start(name: str, account: str) -> None:
    scheme = "redis" if name == "redis_url" else "postgresql"
    error = refused(**{name: f"{scheme}://{account}@db.example/shop"})
    assert f"MAINSTAY_{name.upper()}" in str(error)


def test_addresses_without_a_password_or_with_a_good_one_start() -> None:
    for url in (
        "postgresql://shop@db.example/shop",
        "postgresql:///shop",
        "postgresql://shop:kJ2_93kd0-2kd@db.example/shop",
        "sqlite:///shop.db",
    ):
        assert Settings(environment="production", secret_key=KEY, sign_up=False, database_url=url)
    assert Settings(environment="development", database_url="postgresql://postgres:postgres@localhost/shop")


def test_the_secret_that_development_makes_starts_nothing_else(an_empty_folder: Path) -> None:
    Settings().master_key(an_empty_folder)
    path = an_empty_folder / ".mainstay" / "secret"
    made = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "reseal" in refused(secret_key=made).fix
    # It may be the one before, so that a database comes along.
    moved = Settings(environment="production", secret_key=KEY, sign_up=False, secret_key_previous=made)
    assert moved.master_key(an_empty_folder).previous[0].derive("x") == Settings().master_key(an_empty_folder).derive(
        "x"
    )


def test_previous_keys_are_one_or_several(monkeypatch: pytest.MonkeyPatch, an_empty_folder: Path) -> None:
    for given, count in ((OTHER, 1), (json.dumps([OTHER, KEY + "x"]), 2), ("", 0)):
        monkeypatch.setenv("MAINSTAY_SECRET_KEY_PREVIOUS", given)
        assert len(Settings(secret_key=KEY).master_key(an_empty_folder).previous) == count
    monkeypatch.setenv("MAINSTAY_SECRET_KEY_PREVIOUS", "short")
    with pytest.raises(ConfigurationError, match="MAINSTAY_SECRET_KEY_PREVIOUS") as caught:
        Settings(secret_key=KEY)
    assert "short" not in str(caught.value)


WEAK: dict[str, dict[str, Any]] = {
    "a short secret": {"secret": "hunter2hunter2"},
    "one short of what HS512 needs": {
        "algorithms": ["HS512"],
        "secret": "8f3k29fk-2039fk203-fk230fk20f3-0fk203fk2-9a8b7c6d5",
    },
    "a secret of few letters": {"secret": "ab" * 20},
    "a public key as a secret": {"secret": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD"},
    "both kinds of algorithm": {"algorithms": ["HS256", "RS256"]},
    "a public key's algorithm with a secret": {"algorithms": ["RS256"]},
    "a secret's algorithm with a key set": {"secret": None, "key_set_url": "https://old.example/jwks.json"},
    "none": {"algorithms": ["none"]},
    "no algorithm": {"algorithms": []},
    "an algorithm nobody knows": {"algorithms": ["HS1"]},
    "no audience": {"audiences": []},
    "an empty audience": {"audiences": [""]},
    "no issuer": {"issuer": ""},
    "no key": {"secret": None},
    "two kinds of key": {"key_set_url": "https://old.example/jwks.json"},
    "a key that is none": {"secret": None, "algorithms": ["RS256"], "key": "-----BEGIN PUBLIC KEY-----\nMFkw"},
    "a key set that is a file": {"secret": None, "algorithms": ["RS256"], "key_set_url": "file:///etc/passwd"},
    "guests in a tenant by its slug": {"guests": True, "tenant": "acme"},
}


@pytest.mark.parametrize("what", WEAK)
@pytest.mark.parametrize("environment", ["development", "production"])
def test_an_issuer_that_cannot_be_trusted_refuses_to_start_everywhere(environment: str, what: str) -> None:
    values = {name: value for name, value in (ISSUER | WEAK[what]).items() if value is not None}
    error = refused(environment=environment, issuers={"old": values})
    assert str(values.get("secret") or "hunter2") not in f"{error} {error.fix}"


def test_an_rsa_key_of_fewer_than_2048_bits_refuses_to_start() -> None:
    def pem(bits: int) -> str:
        public = rsa.generate_private_key(65537, bits).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    values = {name: value for name, value in ISSUER.items() if name != "secret"} | {"algorithms": ["RS256"]}
    assert "2048" in str(refused(issuers={"old": values | {"key": pem(1024)}}))
    assert Settings(
        environment="production", secret_key=KEY, sign_up=False, issuers={"old": values | {"key": pem(2048)}}
    )


def test_outside_development_keys_travel_in_the_open_for_nobody_and_secrets_serve_one_purpose() -> None:
    values = {name: value for name, value in ISSUER.items() if name != "secret"} | {"algorithms": ["RS256"]}
    clear = {"old": values | {"key_set_url": "http://old.example/jwks.json"}}
    assert "in clear" in str(refused(issuers=clear))
    assert Settings(environment="development", issuers=clear)
    assert "MAINSTAY_SECRET_KEY itself" in str(refused(issuers={"old": ISSUER | {"secret": KEY}}))


def secrets_of(model: type[BaseModel], path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Where in the settings a SecretStr stands, however deep."""
    found = []
    for name, field in model.model_fields.items():
        inside = [field.annotation, *get_args(field.annotation)]
        inside += [deeper for each in inside for deeper in get_args(each)]
        if SecretStr in inside:
            found.append((*path, name))
        for each in inside:
            if isinstance(each, type) and issubclass(each, BaseModel):
                key = ("a",) if dict in [getattr(field.annotation, "__origin__", None)] else ()
                found += secrets_of(each, (*path, name, *key))
    return found


def test_whatever_sounds_secret_is_masked_wherever_a_setting_is_printed() -> None:
    known = {path[-1] for path in secrets_of(Settings)}
    assert {
        "secret_key",
        "secret_key_previous",
        "database_url",
        "database_system_url",
        "redis_url",
        "secret",
        "url",
    } <= known
    shown: list[str] = []

    def look(model: type[BaseModel], path: str) -> None:
        for name, field in model.model_fields.items():
            words = set(name.split("_"))
            sounds = words & {"secret", "password", "token", "bearer", "credential", "credentials"}
            kinds = str(field.annotation)
            if sounds and "str" in kinds.lower() and "SecretStr" not in kinds:
                shown.append(f"{path}{name}")
            for each in (field.annotation, *get_args(field.annotation)):
                if isinstance(each, type) and issubclass(each, BaseModel):
                    look(each, f"{path}{name}.")

    look(Settings, "")
    # The address where tokens are had, and which authentication is used there: nothing to hide.
    assert [each for each in shown if not each.endswith(("token_url", "token"))] == []


def test_no_secret_is_in_what_settings_say_of_themselves() -> None:
    settings = Settings(
        environment="testing",
        secret_key="hunter2-" + KEY,
        secret_key_previous="hunter2-" + OTHER,
        database_url="postgresql://u:hunter2-@h/d",
        database_system_url="postgresql://o:hunter2-@h/d",
        redis_url="redis://:hunter2-@h/0",
        mail={"url": "smtp://u:hunter2-@h:587"},
        issuers={"old": ISSUER | {"secret": "hunter2-" + OTHER}},
    )
    for said in (
        repr(settings),
        str(settings),
        settings.model_dump_json(),
        str(settings.model_dump()),
        repr(settings.issuers),
    ):
        assert "hunter2" not in said
    (foreign,) = [each.foreign() for each in settings.issuers.values()]
    assert "hunter2" not in repr(foreign)
