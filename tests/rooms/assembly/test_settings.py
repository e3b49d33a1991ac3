"""What may be set, where it is read from, and what is refused."""

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from mainstay.assembly import Settings
from mainstay.base.errors import ConfigurationError

KEY = "a-secret-key-for-tests-0123456789-abcdef"


@pytest.fixture(autouse=True)
def an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_arguments_win_over_the_environment_and_that_over_the_files(
    an_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (an_empty_folder / ".env").write_text("MAINSTAY_PORT=1\nMAINSTAY_HOST=file\nMAINSTAY_BODY_LIMIT=1\nOTHER=x\n")
    (an_empty_folder / ".env.testing").write_text("MAINSTAY_PORT=2\nMAINSTAY_HOST=specific\n")
    monkeypatch.setenv("MAINSTAY_PORT", "3")
    settings = Settings(environment="testing")
    assert (settings.port, settings.host, settings.body_limit) == (3, "specific", 1)
    assert Settings(environment="testing", port=4).port == 4


def test_the_environment_named_in_env_chooses_the_second_file(an_empty_folder: Path) -> None:
    (an_empty_folder / ".env").write_text("MAINSTAY_ENVIRONMENT=testing\n")
    (an_empty_folder / ".env.testing").write_text("MAINSTAY_PORT=7\n")
    assert Settings().port == 7


def test_secrets_are_masked_and_settings_are_frozen() -> None:
    settings = Settings(secret_key=KEY, database_url="postgresql://u:hunter2@h/d")
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)
    with pytest.raises(Exception, match="frozen"):
        settings.port = 1  # type: ignore[misc]  # that is what is tested


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({}, "MAINSTAY_SECRET_KEY"),
        ({"secret_key": "short"}, "MAINSTAY_SECRET_KEY"),
        ({"secret_key": "ab" * 30}, "MAINSTAY_SECRET_KEY"),
        ({"secret_key": KEY, "debug": True}, "MAINSTAY_DEBUG"),
        ({"secret_key": KEY, "public_url": "http://shop.example"}, "MAINSTAY_PUBLIC_URL"),
        ({"secret_key": KEY}, "MAINSTAY_MAIL__URL"),
        ({"secret_key": KEY, "mail": {"url": "memory:"}}, "MAINSTAY_MAIL__URL"),
        ({"secret_key": KEY, "mail": {"url": "smtp://mail.example"}}, "MAINSTAY_MAIL__SENDER"),
        ({"secret_key": KEY, "mail": {"url": "smtp://u:p@mail.example?starttls=off"}}, "STARTTLS"),
        ({"secret_key": KEY, "accounts": {"links": "http://shop.example/account"}}, "MAINSTAY_ACCOUNTS__LINKS"),
        ({"secret_key": KEY, "passwords": {"memory_kib": 64}}, "MAINSTAY_PASSWORDS__MEMORY_KIB=64"),
        ({"secret_key": KEY, "passwords": {"passes": 1}}, "MAINSTAY_PASSWORDS__PASSES=1"),
        ({"secret_key": KEY, "trusted_proxies": ["10.0.0.0/8", "0.0.0.0/0"]}, "MAINSTAY_TRUSTED_PROXIES"),
        ({"secret_key": KEY, "trusted_proxies": ["::/0"]}, "MAINSTAY_TRUSTED_PROXIES"),
    ],
)
@pytest.mark.parametrize("environment", ["staging", "production"])
def test_what_is_insecure_refuses_to_start_outside_development(
    environment: str, values: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Settings(environment=environment, **values)
    assert named in str(refused.value)
    assert refused.value.fix


def test_a_bad_value_is_a_sentence_that_names_the_variable_and_hides_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAINSTAY_PORT", "hunter2")
    with pytest.raises(ConfigurationError) as refused:
        Settings()
    assert "MAINSTAY_PORT" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_misspelt_variable_is_told_the_right_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_DATABSE_URL", "sqlite:///x.db")
    with pytest.raises(ConfigurationError, match="MAINSTAY_DATABASE_URL"):
        Settings()


def test_development_makes_its_own_secret_once_and_keeps_it_from_others(an_empty_folder: Path) -> None:
    first, second = Settings().master_key(an_empty_folder), Settings().master_key(an_empty_folder)
    assert first.derive("x") == second.derive("x")
    path = an_empty_folder / ".mainstay" / "secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (an_empty_folder / ".mainstay" / ".gitignore").read_text() == "*\n"


def test_a_development_secret_that_others_may_read_is_refused(an_empty_folder: Path) -> None:
    Settings().master_key(an_empty_folder)
    (an_empty_folder / ".mainstay" / "secret").chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Settings().master_key(an_empty_folder)


def test_docs_and_the_password_grant_are_off_in_production_unless_switched_on() -> None:
    settings = Settings(environment="production", secret_key=KEY, sign_up=False)
    assert not settings.wants_docs()
    assert not settings.wants_password_grant()
    assert settings.access_log_format() == "json"
    assert Settings(environment="production", secret_key=KEY, sign_up=False, docs=True).wants_docs()
    assert Settings().wants_docs()


def test_a_value_that_should_be_json_is_told_in_a_sentence_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSTAY_LOG_LEVELS", "shop=hunter2")
    with pytest.raises(ConfigurationError, match="MAINSTAY_LOG_LEVELS is not JSON") as refused:
        Settings()
    assert "hunter2" not in str(refused.value)


def test_an_app_adds_its_own_settings_beside_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    class ShopSettings(Settings):
        currencies: list[str] = Field(default=["EUR"])

    monkeypatch.setenv("MAINSTAY_CURRENCIES", '["CHF", "EUR"]')
    assert ShopSettings().currencies == ["CHF", "EUR"]


def test_every_setting_stands_in_the_reference(root: Path) -> None:
    text = (root / "docs" / "reference" / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        assert f"`MAINSTAY_{name.upper()}`" in text
        assert field.description
        assert field.description in text
