"""Write requirements.lock and requirements-dev.lock from pyproject.toml: exact versions with hashes, naming no index.

    make lock                     # keeps the versions that still fit
    make lock UPGRADE=1           # takes the newest

Any platform and any Python from 3.11 on; where the packages come from is the installing machine's own setting.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = [
    "--extra",
    "postgres",
    "--extra",
    "redis",
    "--extra",
    "smtp",
    "--extra",
    "bcrypt",
    "--extra",
    "totp",
    "--extra",
    "passkeys",
    "--extra",
    "otel",
    "--extra",
    "metrics",
]
COMPILE = ["pip", "compile", "pyproject.toml", *EXTRAS, "--universal", "--python-version", "3.11"]
SILENT = ["--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet"]


def write(lock: str, group: str, *more: str) -> None:
    """Compile one lock file. Raises CalledProcessError with uv's own words on the terminal."""
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, *COMPILE, *SILENT, "--group", group, "--output-file", lock, *more], cwd=ROOT, check=True)


def main(arguments: Sequence[str]) -> int:
    """Write both lock files; the second contains the first with the same versions."""
    upgrade = ["--upgrade"] if "--upgrade" in arguments else []
    write("requirements.lock", "run", *upgrade)
    write("requirements-dev.lock", "dev", "--constraint", "requirements.lock", *upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
