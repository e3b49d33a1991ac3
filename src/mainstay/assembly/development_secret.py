"""The secret of an app in development: made once, kept beside the app, never committed."""

import os
import secrets
from pathlib import Path

from mainstay.assembly.groups.secrets import DEVELOPMENT
from mainstay.base.errors import ConfigurationError
from mainstay.base.secret import Secret

FOLDER = ".mainstay"


def development_secret(root: Path) -> Secret:
    """The secret in `.mainstay/secret` under `root`, made with mode 0600 when it isn't there.

    Raises ConfigurationError where the folder cannot be written, or where others may read the file.
    """
    path = root / FOLDER / "secret"
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"{path} can be read by other users.", fix=f"Run: chmod 600 {path}")
        return Secret(path.read_text().strip())
    except OSError as error:
        raise ConfigurationError(
            f"the development secret {path} cannot be kept: {error.strerror}.",
            fix="Set MAINSTAY_SECRET_KEY, or start in a folder that can be written.",
        ) from None


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    (path.parent / ".gitignore").write_text("*\n")
    draft = path.with_name(f"secret.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as stream:
        stream.write(DEVELOPMENT + secrets.token_urlsafe(48) + "\n")
    try:
        # A link appears whole or not at all, and only for the first of several workers that start together.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
