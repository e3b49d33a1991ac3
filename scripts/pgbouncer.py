"""A private PgBouncer before the private PostgreSQL, on a free loopback port, for as long as a block lasts."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts import services
from scripts.packages import ServiceMissing, apt_install, held_port

PATIENCE = 10.0


def require_pgbouncer() -> Path:
    """The program, installed from the distribution when we may. Raises ServiceMissing otherwise."""
    where = os.environ.get("PATH", "") + ":/usr/sbin"
    if shutil.which("pgbouncer", path=where) is None:
        apt_install("PgBouncer", "pgbouncer")
    found = shutil.which("pgbouncer", path=where)
    if found is None:
        raise ServiceMissing("PgBouncer is not on the path although its package is installed.")
    return Path(found)


@contextmanager
def pgbouncer(cluster: services.PostgreSQL, folder: Path, *, servers: int = 2) -> Iterator[int]:
    """The port of a PgBouncer that pools by transaction over `servers` connections a role and database."""
    with held_port() as port:
        yield from _pooling(cluster, folder, servers, port)


def _pooling(cluster: services.PostgreSQL, folder: Path, servers: int, port: int) -> Iterator[int]:
    program = require_pgbouncer()
    passwords = {services.OWNER: cluster.owner_password, services.APP: cluster.app_password}
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text("".join(f'"{name}" "{password}"\n' for name, password in passwords.items()))
    lines = [
        "[databases]",
        f"* = host={cluster.host} port={cluster.port}",
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        f"listen_port = {port}",
        "unix_socket_dir =",
        "auth_type = scram-sha-256",
        f"auth_file = {users}",
        "pool_mode = transaction",
        f"default_pool_size = {servers}",
        "server_lifetime = 60",
        f"logfile = {folder / 'pgbouncer.log'}",
    ]
    settings.write_text("\n".join(lines) + "\n")
    command = [str(program), str(settings)]
    if os.geteuid() == 0:
        # It refuses to be root; whoever it becomes reads its files.
        nobody = pwd.getpwnam("nobody")
        for path in (folder, users, settings):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        command[1:1] = ["-u", "nobody"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(process, port, folder)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def _await(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    log = folder / "pgbouncer.log"
    raise ServiceMissing(f"PgBouncer did not start: {log.read_text() if log.exists() else 'it wrote no log'}")
