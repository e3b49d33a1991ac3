"""Make .venv and install exactly what the lock files say; does nothing when nothing changed.

    python3 scripts/environment.py run     # what `make run` needs
    python3 scripts/environment.py dev     # and what tests, checks and the bench need

Standard library only: it runs under the machine's own python3, 3.11 or newer, before anything is installed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  the machine's own python3 runs this, whichever that is
    sys.exit(f"Mainstay needs Python 3.11 or newer, and {sys.executable} is older. Try: make PYTHON=python3.12")

import tomllib

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


class CannotInstall(Exception):
    """The environment cannot be made; the message says what is so and what to type."""


def fingerprint(kind: str) -> str:
    """What an environment of that kind depends on; equal means that there is nothing to do."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())
    parts = [str(HOME), (ROOT / LOCKS[kind]).read_text(), repr(declared["project"]), repr(declared["build-system"])]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_ready(kind: str) -> bool:
    """Whether .venv already holds that kind, or more."""
    if not (HOME / "bin" / "python").exists():  # also where it points to a python3 that an upgrade took away
        return False
    return any(stamp(each).exists() and stamp(each).read_text() == fingerprint(each) for each in (kind, "dev"))


def stamp(kind: str) -> Path:
    return HOME / f"mainstay-{kind}.stamp"


def make_venv() -> None:
    """Create .venv with pip. Raises CannotInstall where python3 lacks venv and we may not install it."""
    if (HOME / "bin" / "python").exists():
        if run(HOME / "bin" / "python", "-m", "pip", "--version", check=False):
            run(HOME / "bin" / "python", "-m", "ensurepip", "--upgrade")
        return
    if run(sys.executable, "-c", "import ensurepip, venv", check=False):
        install_venv_module()
    print(f"creating {HOME.name} with {sys.executable}", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    run(sys.executable, "-m", "venv", HOME)


def install_venv_module() -> None:
    """Debian keeps venv and ensurepip out of its python3, in a package named after the version."""
    package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    by_hand = f"{sys.executable} lacks the venv module. As root: apt-get install {package}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotInstall(by_hand)
    print(f"installing {package} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", *command],  # noqa: S607  the distribution's own, wherever it lies
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise CannotInstall(f"{by_hand}\n{(done.stdout + done.stderr)[-2000:]}")


def install(kind: str) -> None:
    """Install the lock, every file checked against its hash, then the project itself without looking anything up."""
    python = HOME / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    print(f"installing {LOCKS[kind]} (a minute the first time)", flush=True)
    run(python, "-m", "pip", "install", *quiet, "--require-hashes", "--only-binary", ":all:", "-r", ROOT / LOCKS[kind])
    run(python, "-m", "pip", "install", *quiet, "--no-deps", "--no-index", "--no-build-isolation", "-e", ROOT)


def run(*command: str | Path, check: bool = True) -> int:
    """Run a program; its exit code. With `check`, raises CannotInstall unless it is 0."""
    silent = None if check else subprocess.DEVNULL
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=silent, stderr=silent)
    if check and done.returncode:
        raise CannotInstall(f"`{' '.join(words[:6])} …` ended with {done.returncode}; what it said stands above.")
    return done.returncode


def main(arguments: Sequence[str]) -> int:
    """Bring .venv to the kind that is asked for."""
    kind = arguments[0] if arguments else "run"
    if kind not in LOCKS:
        print(__doc__)
        return 2
    try:
        if not is_ready(kind):
            make_venv()
            install(kind)
            stamp(kind).write_text(fingerprint(kind))
    except CannotInstall as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
