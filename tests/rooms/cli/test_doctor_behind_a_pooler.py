"""`mainstay doctor` finds a connection pooler and says what to do about it."""

import tempfile
from pathlib import Path

import pytest

from scripts.pgbouncer import pgbouncer
from tests.databases import Administrator, Urls
from tests.rooms.cli.shell import Shell


def test_doctor_finds_pgbouncer_and_says_what_to_do(
    shop: Shell, postgresql_urls: Urls, administrator: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTAY_DATABASE_SYSTEM_URL", postgresql_urls.system_url)
    # Not pytest's folders: PgBouncer, which is somebody else, could not enter them.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        with pgbouncer(administrator.cluster, Path(folder)) as port:
            url = postgresql_urls.database_url.replace(f":{administrator.cluster.port}/", f":{port}/")
            monkeypatch.setenv("MAINSTAY_DATABASE_URL", url)
            refused = shop("doctor", "--json")
            assert refused.code == 1
            assert "?prepared=off" in refused.out
            monkeypatch.setenv("MAINSTAY_DATABASE_URL", f"{url}?prepared=off")
            assert shop("migrate").code == 0
            found = {each["about"]: each for each in shop("doctor", "--json").json}
            assert found["pooler"]["state"] == "ok"
            assert "prepared statements are off" in found["pooler"]["found"]
    administrator.disconnect(postgresql_urls.database_url.rpartition("/")[2])
