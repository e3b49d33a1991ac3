"""The private PostgreSQL and Redis: started, shared and stopped by those who need them; nobody else's touched."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from scripts import packages, redis_server, services


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[services.Services]:
    """Services of a checkout of their own, so that the ones of this test run stay."""
    own = services.Services(tmp_path_factory.mktemp("services"))
    yield own
    own.stop()
    for folder in {Path(data.read_text()).parent for data in own.folder.glob("data-of-*")}:
        shutil.rmtree(folder)


def leased(own: services.Services) -> services.PostgreSQL:
    with own.lease() as state:
        (own.folder / f"data-of-{state.pid}").write_text(state.data)
        return state


def test_the_last_lease_stops_the_cluster(own: services.Services) -> None:
    with own.lease() as first, own.lease() as second:
        (own.folder / f"data-of-{first.pid}").write_text(first.data)
        assert first.pid == second.pid
    assert own.running() is None


def test_a_kept_cluster_outlives_its_leases_until_it_is_stopped(own: services.Services) -> None:
    kept = own.start()
    assert leased(own).pid == kept.pid
    assert own.running() is not None
    assert own.stop() is True
    assert own.stop() is False
    assert own.running() is None


def test_a_killed_test_run_s_lease_does_not_keep_the_cluster(own: services.Services) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    own.leases.mkdir(exist_ok=True)
    (own.leases / f"{int(gone.stdout)}-dead").touch()
    leased(own)
    assert own.running() is None


def test_another_process_s_number_is_never_taken_for_the_cluster(own: services.Services) -> None:
    state = leased(own)
    assert packages.is_serving(os.getpid(), state.data) is False


def test_two_who_start_at_once_share_one_cluster(own: services.Services, root: Path) -> None:
    environment = {**os.environ, "MAINSTAY_SERVICES": str(own.folder)}
    command = [sys.executable, str(root / "scripts/services.py"), "start"]
    starters = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {starter.communicate()[0] for starter in starters}
    assert len(said) == 1
    assert len(said.pop().splitlines()) == 2
    assert own.stop() is True
    assert own.redis.stop() is True


def test_a_redis_ends_with_those_who_asked_for_it_and_comes_back_empty_on_the_same_port(own: services.Services) -> None:
    with redis_server.private_redis(own.folder) as state:
        with redis.Redis.from_url(state.url) as client:
            client.set("a", "1")
        state.stop()
        assert not state.running
        again = redis_server.restart(state)
        with redis.Redis.from_url(state.url) as client:
            assert client.get("a") is None
    assert not again.running


def test_the_redis_of_a_killed_test_run_is_ended_by_the_next(own: services.Services) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    place = own.folder / "redis-of" / f"{int(gone.stdout)}-dead"
    with packages.held_port() as port:
        left = redis_server.start_redis(place, port)
    (place / "pid").write_text(str(left.pid))
    with redis_server.private_redis(own.folder) as state:
        assert not left.running
        assert state.running


def test_a_redis_answers_nobody_without_its_password(redis_url: str) -> None:
    with redis.Redis.from_url(re.sub("//.*@", "//", redis_url)) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_without_root_and_without_packages_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "BIN_GLOB", "/nowhere/*/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(services.ServiceMissing, match="As root: apt-get install postgresql"):
        services.require_binaries()
