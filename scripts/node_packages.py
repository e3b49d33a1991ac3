"""What the tests need of npm: a locked set of packages, installed once into a folder outside git."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from scripts.packages import ServiceMissing, apt_install

OLDEST = 20
LOCKED = ("package.json", "package-lock.json")


class NodeTooOld(ServiceMissing):
    """The distribution's Node.js is older than what the packages run on."""


def require_node() -> tuple[Path, Path]:
    """Node and npm, installed from the distribution when we may. Raises ServiceMissing otherwise, or NodeTooOld."""
    if not (shutil.which("node") and shutil.which("npm")):
        apt_install("Node.js", "nodejs", "npm")
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise ServiceMissing("Node.js was installed, but node and npm are not on the path: install them by hand.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        raise NodeTooOld(f"These tests need Node.js {OLDEST} or newer, and {node} is {version}: install one by hand.")
    return Path(node), Path(npm)


def installed(locked: Path, into: Path) -> Path:
    """The folder that holds `node_modules` as that folder's package-lock.json says, made when it isn't there yet.

    Packages are checked against the lock's digests; the lock names no registry. Raises ServiceMissing.
    """
    digest = hashlib.sha256(b"".join((locked / name).read_bytes() for name in LOCKED)).hexdigest()[:16]
    folder = into / "node" / digest
    if (folder / "node_modules").exists():
        return folder
    _, npm = require_node()
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Made aside and moved: of two that install at once one is used, and none is seen half done.
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        for name in LOCKED:
            shutil.copy(locked / name, made)
        command = [str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=made, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode:
            raise ServiceMissing(f"`npm ci` for {locked} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        try:
            os.rename(made, folder)
            Path(made).mkdir()
        except OSError:
            if not (folder / "node_modules").exists():
                raise
    return folder
