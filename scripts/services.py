"""Start and stop what the tests need beside Python: a private PostgreSQL and Redis, and a browser.

    python scripts/services.py start      # both on free loopback ports, kept until `stop`
    eval "$(python scripts/services.py env)"
    python scripts/services.py status | stop
    python scripts/services.py install    # as root: PostgreSQL, Redis, Chromium and curl, where missing

Test runs take a lease instead of `start`: the cluster goes away with the last lease, unless somebody asked to keep it;
each test process has a Redis of its own.
Standard library only, because it also runs where nothing is installed yet. Several runs may call it at once.
"""

import contextlib
import fcntl
import glob
import hashlib
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file, where only its own folder is on the path
    sys.path.insert(0, str(ROOT))

from scripts.packages import ServiceMissing as ServiceMissing  # noqa: E402  the path comes first
from scripts.packages import apt_install, held_port, is_serving  # noqa: E402  the path comes first
from scripts.redis_server import KeptRedis, require_redis  # noqa: E402  the path comes first

OWNER, APP, SUPERUSER = "mainstay_owner", "mainstay_app", "mainstay_services"
TEMPLATE = "mainstay_template"
BIN_GLOB = "/usr/lib/postgresql/*/bin"
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.d/mainstay-services.conf")

# As in production: a commit is on disk before it is acknowledged. A small buffer, because two cores share one machine.
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "300",
    "shared_buffers": "'256MB'",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "'4GB'",
    "autovacuum": "on",
    "log_min_messages": "warning",
    "lc_messages": "'C'",
    "timezone": "'UTC'",
}


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running private cluster: where it listens, and who may do what in it."""

    host: str
    port: int
    pid: int
    data: str
    binaries: str
    owner_password: str
    app_password: str
    superuser_password: str
    kept: bool

    def url(self, database: str, role: str = OWNER) -> str:
        """The URL of one database as one of the roles: mainstay_owner (may create databases) or mainstay_app."""
        passwords = {OWNER: self.owner_password, APP: self.app_password, SUPERUSER: self.superuser_password}
        return f"postgresql://{role}:{passwords[role]}@{self.host}:{self.port}/{database}"


class Services:
    """The services of one checkout, described by files under `.services/`."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get("MAINSTAY_SERVICES") or ROOT / ".services")
        self.state_file = self.folder / "postgresql.json"
        self.leases = self.folder / "leases"
        self.redis = KeptRedis(self.folder)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One starter or stopper at a time, over all processes that use this checkout."""
        self.leases.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def running(self) -> PostgreSQL | None:
        """The cluster that we started, if its process still lives."""
        try:
            state = PostgreSQL(**json.loads(self.state_file.read_text()))
        except (FileNotFoundError, json.JSONDecodeError, TypeError):
            return None
        return state if is_serving(state.pid, state.data) else None

    def start(self, *, keep: bool = True) -> PostgreSQL:
        """The running cluster, started if need be. Raises ServiceMissing where PostgreSQL cannot be had."""
        with self.locked():
            return self._start(keep)

    def _start(self, keep: bool) -> PostgreSQL:
        state = self.running()
        if state is None:
            state = start_cluster(self.folder, keep)
            self._write(state)
        elif keep and not state.kept:
            state = PostgreSQL(**{**asdict(state), "kept": True})
            self._write(state)
        return state

    def _write(self, state: PostgreSQL) -> None:
        draft = self.state_file.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(state)))
        draft.replace(self.state_file)

    def stop(self) -> bool:
        """Stop the cluster that we started, and no other. False where none was running."""
        with self.locked():
            return self._stop()

    def _stop(self) -> bool:
        state = self.running()
        if state is None:
            return False
        os.kill(state.pid, signal.SIGINT)  # PostgreSQL's "fast" shutdown: ends sessions, writes a checkpoint
        deadline = time.monotonic() + 60
        while is_serving(state.pid, state.data):
            if time.monotonic() > deadline:
                raise ServiceMissing(f"PostgreSQL (process {state.pid}) did not stop within a minute: stop it by hand.")
            time.sleep(0.05)
        self.state_file.unlink(missing_ok=True)
        return True

    @contextlib.contextmanager
    def lease(self) -> Iterator[PostgreSQL]:
        """The cluster for as long as this block lasts; the last lease stops it, unless `start` was asked to keep it."""
        mine = self.leases / f"{os.getpid()}-{secrets.token_hex(4)}"
        with self.locked():
            state = self._start(False)
            mine.touch()
        try:
            yield state
        finally:
            with self.locked():
                mine.unlink(missing_ok=True)
                current = self.running()
                if current is not None and not current.kept and not self._live_leases():
                    self._stop()

    def _live_leases(self) -> list[Path]:
        live = []
        for lease in self.leases.iterdir():
            if Path(f"/proc/{lease.name.split('-')[0]}").exists():
                live.append(lease)
            else:
                lease.unlink(missing_ok=True)
        return live


def find_binaries() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine, or None."""
    on_path = shutil.which("initdb")
    found = [Path(folder) for folder in glob.glob(BIN_GLOB) if (Path(folder) / "initdb").exists()]
    found.sort(key=lambda folder: float(folder.parent.name))
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


def require_binaries() -> Path:
    """The PostgreSQL programs, installed from the distribution when we may. Raises ServiceMissing otherwise."""
    found = find_binaries()
    if found is None:
        # Without this file Debian's package makes and starts a cluster of its own, which nobody asked for.
        with contextlib.ExitStack() as after:
            if os.geteuid() == 0 and not CREATE_CLUSTER.exists():
                CREATE_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
                CREATE_CLUSTER.write_text("create_main_cluster = false\n")
                after.callback(CREATE_CLUSTER.unlink)
            apt_install("PostgreSQL", "postgresql")
        found = find_binaries()
    if found is None:
        raise ServiceMissing(
            f"PostgreSQL is installed, but {BIN_GLOB} holds no initdb: install PostgreSQL 15 or newer."
        )
    return found


def require_browser() -> Path:
    """A Chromium from the distribution, installed when we may. Raises ServiceMissing otherwise."""
    # The program that playwright drives it with is linked with a library that a minimal Debian lacks.
    if not any(map(glob.glob, ("/usr/lib/*/libatomic.so.1", "/usr/lib*/libatomic.so.1"))):
        apt_install("libatomic", "libatomic1")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin"):
            return Path(found)
    apt_install("Chromium", "chromium")
    if found := shutil.which("chromium", path="/usr/bin"):
        return Path(found)
    raise ServiceMissing("Chromium was installed, but /usr/bin/chromium is not there: install a Chromium by hand.")


def require_curl() -> Path:
    """curl, which the documents' commands call; installed when we may. Raises ServiceMissing otherwise."""
    if shutil.which("curl") is None:
        apt_install("curl", "curl", "ca-certificates")
    return Path(shutil.which("curl") or "/usr/bin/curl")


def start_cluster(folder: Path, keep: bool) -> PostgreSQL:
    """Make the cluster when it is new, start its server on a free port, and wait until it answers."""
    binaries = require_binaries()
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    data = data_folder(folder, account)
    secret_file = folder / "secrets.json"
    if not (data / "PG_VERSION").exists() or not secret_file.exists():
        shutil.rmtree(data, ignore_errors=True)
        make_cluster(binaries, data, secret_file, account)
    passwords: dict[str, str] = json.loads(secret_file.read_text())
    log = data.parent / "postgresql.log"
    with held_port() as port:
        options = " ".join(f"-c {name}={value}" for name, value in {**SETTINGS, "port": port}.items())
        run_as(account, binaries / "pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", log, "-o", options, log=log)
    pid = int((data / "postmaster.pid").read_text().split()[0])
    state = PostgreSQL("127.0.0.1", port, pid, str(data), str(binaries), **passwords, kept=keep)
    make_roles(binaries, state)
    return state


def data_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """Where the cluster lies: `.services/`, or /var/tmp where the server's account cannot reach the checkout."""
    inside = folder / "postgresql" / "data"
    if account is not None and not reachable(folder, account):
        name = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        inside = Path("/var/tmp") / f"mainstay-services-{name}" / "data"  # noqa: S108  owned and 0700 below
    inside.parent.mkdir(parents=True, exist_ok=True)
    if account is not None:
        os.chown(inside.parent, account.pw_uid, account.pw_gid)
    inside.parent.chmod(0o700)
    return inside


def reachable(folder: Path, account: pwd.struct_passwd) -> bool:
    done = subprocess.run(
        ["/usr/bin/test", "-x", folder], user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/"
    )
    return done.returncode == 0


def make_cluster(binaries: Path, data: Path, secret_file: Path, account: pwd.struct_passwd | None) -> None:
    passwords = {f"{role}_password": secrets.token_urlsafe(18) for role in ("owner", "app", "superuser")}
    secret_file.unlink(missing_ok=True)
    secret_file.touch(mode=0o600)
    secret_file.write_text(json.dumps(passwords))
    password_file = data.parent / "superuser.txt"
    password_file.write_text(passwords["superuser_password"])
    if account is not None:
        os.chown(password_file, account.pw_uid, account.pw_gid)
    # A linguistic default collation on purpose: a text column without its own COLLATE "C" then sorts wrongly in tests.
    locale = ["--encoding=UTF8", "--locale=C.UTF-8"]
    if version_of(binaries) >= 15:
        locale += ["--locale-provider=icu", "--icu-locale=en-US"]
    try:
        # `password`, not SCRAM: the line is loopback and each test opens connections; SCRAM costs milliseconds in each.
        whose = ["-U", SUPERUSER, "--auth=password", f"--pwfile={password_file}"]
        run_as(account, binaries / "initdb", "-D", data, *whose, *locale)
    finally:
        password_file.unlink()


def make_roles(binaries: Path, state: PostgreSQL) -> None:
    """The two roles of DESIGN §3 and the template that every test's database is cloned from. Safe to repeat."""
    sql = f"""
        DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN
            CREATE ROLE {OWNER} LOGIN CREATEDB NOSUPERUSER NOBYPASSRLS PASSWORD '{state.owner_password}';
            CREATE ROLE {APP} LOGIN NOCREATEDB NOSUPERUSER NOBYPASSRLS PASSWORD '{state.app_password}';
          END IF;
        END $$;
        SELECT 'CREATE DATABASE {TEMPLATE} OWNER {OWNER}'
         WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{TEMPLATE}') \\gexec
    """  # noqa: S608  every name is a constant of this file, every password our own token
    command = f"{binaries}/psql -X -q -v ON_ERROR_STOP=1 -h {state.host} -p {state.port} -U {SUPERUSER} postgres"
    environment = {**os.environ, "PGPASSWORD": state.superuser_password}
    subprocess.run(command.split(), input=sql, text=True, check=True, env=environment, cwd="/")


def version_of(binaries: Path) -> int:
    said = subprocess.run([binaries / "postgres", "--version"], capture_output=True, text=True, check=True, cwd="/")
    number = re.search(r"\d+", said.stdout)  # "postgres (PostgreSQL) 15.14 (Debian …)", "… 18beta1"
    if number is None:
        raise ServiceMissing(f"{binaries}/postgres does not say its version: {said.stdout!r}")
    return int(number.group())


def run_as(account: pwd.struct_passwd | None, *command: str | Path, log: Path | None = None) -> None:
    """Run a PostgreSQL program as its own account, away from our terminal. Raises ServiceMissing with what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        # The server inherits its starter's output: a pipe would stay open for as long as it runs.
        stdout=subprocess.PIPE if log is None else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    if done.returncode:
        said = done.stdout if log is None else log.read_text()
        raise ServiceMissing(f"`{Path(command[0]).name}` ended with {done.returncode}:\n{(said or '')[-2000:]}")


def main(arguments: Sequence[str]) -> int:
    """Run one command: start, stop, status, env or install."""
    services, command = Services(), arguments[0] if len(arguments) == 1 else ""
    commands = {"start": start, "stop": stop, "status": status, "env": env, "install": install}
    if command not in commands:
        print(__doc__)
        return 2
    try:
        return commands[command](services)
    except ServiceMissing as missing:
        print(missing, file=sys.stderr)
        return 1


def start(services: Services) -> int:
    """Start both, to be kept until `stop`."""
    state = services.start()
    with services.locked():
        redis = services.redis.start()
    print(f"PostgreSQL listens on {state.host}:{state.port} (process {state.pid})")
    print(f"Redis listens on 127.0.0.1:{redis.port} (process {redis.pid})")
    return 0


def stop(services: Services) -> int:
    """Stop both, where they are ours."""
    with services.locked():
        redis_ran = services.redis.stop()
    print("PostgreSQL is stopped" if services.stop() else "PostgreSQL was not running")
    print("Redis is stopped" if redis_ran else "Redis was not running")
    return 0


def status(services: Services) -> int:
    """Say what runs; 3 where PostgreSQL does not."""
    state, redis = services.running(), services.redis.running()
    print(f"PostgreSQL listens on {state.host}:{state.port}" if state else "PostgreSQL is not running")
    print(f"Redis listens on 127.0.0.1:{redis.port}" if redis else "Redis is not running")
    return 0 if state else 3


def env(services: Services) -> int:
    """Start both, and print what a shell evaluates to reach them."""
    state = services.start()
    with services.locked():
        redis = services.redis.start()
    print(f"export MAINSTAY_DATABASE_URL='{state.url('postgres', APP)}'")
    print(f"export MAINSTAY_DATABASE_SYSTEM_URL='{state.url('postgres')}'")
    print(f"export MAINSTAY_REDIS_URL='{redis.url}'")
    print(f"export PGHOST='{state.host}' PGPORT='{state.port}' PGUSER='{OWNER}'")
    print(f"export PGPASSWORD='{state.owner_password}' PGDATABASE='postgres'")
    return 0


def install(services: Services) -> int:
    """Install what is missing, and print where it is."""
    print(require_binaries(), require_redis(), require_browser(), require_curl(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
