"""Copy Swagger UI and ReDoc from their npm packages into src/mainstay/web/pages/static, at pinned versions.

Run it to upgrade: change a version below, take the integrity from `npm view <package>@<version> dist.integrity`, run
`python scripts/vendor_docs_assets.py`, look at /docs and /redoc, commit. Needs npm; nothing else in the project does.
"""

import base64
import gzip
import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

STATIC = Path(__file__).parent.parent / "src" / "mainstay" / "web" / "pages" / "static"

# package, version, integrity, {member of the package: file in static/}
PACKAGES = [
    (
        "swagger-ui-dist",
        "5.35.0",
        "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==",
        {
            "swagger-ui-bundle.js": "swagger-ui-bundle.js.gz",
            "swagger-ui.css": "swagger-ui.css.gz",
            "oauth2-redirect.js": "oauth2-redirect.js.gz",
            "LICENSE": "swagger-ui.LICENSE.txt",
            "NOTICE": "swagger-ui.NOTICE.txt",
            "swagger-ui-bundle.js.LICENSE.txt": "swagger-ui-bundle.LICENSE.txt",
        },
    ),
    (
        "redoc",
        "2.5.4",
        "sha512-M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ==",
        {
            "bundles/redoc.standalone.js": "redoc.standalone.js.gz",
            "LICENSE": "redoc.LICENSE.txt",
            "bundles/redoc.standalone.js.LICENSE.txt": "redoc.standalone.LICENSE.txt",
        },
    ),
]

# ReDoc's footer loads its logo from a CDN, which our pages do not talk to: an empty picture takes its place.
REPLACED = {
    b"https://cdn.redoc.ly/redoc/logo-mini.svg": b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"
}


def vendor(package: str, version: str, integrity: str, files: dict[str, str]) -> None:
    """Fetch one package, verify it, and write the files wanted from it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", f"{package}@{version}", "--pack-destination", folder], check=True)  # noqa: S607  # fixed words
        archive = next(Path(folder).glob("*.tgz"))
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != integrity:
            raise SystemExit(f"{package}@{version} is not the pinned archive: {found}")
        with tarfile.open(archive) as members:
            for member, name in files.items():
                stream = members.extractfile(f"package/{member}")
                if stream is None:
                    raise SystemExit(f"{package}@{version} holds no {member}")
                data = stream.read()
                for old, new in REPLACED.items():
                    data = data.replace(old, new)
                # mtime=0: the same input gives the same bytes, so that an unchanged upgrade shows no difference.
                (STATIC / name).write_bytes(gzip.compress(data, 9, mtime=0) if name.endswith(".gz") else data)


if __name__ == "__main__":
    for entry in PACKAGES:
        vendor(*entry)
    lines = [f"- {package} {version} (npm), {integrity}" for package, version, integrity, _ in PACKAGES]
    (STATIC / "VENDORED.md").write_text(
        "# Files copied by scripts/vendor_docs_assets.py\n\n" + "\n".join(lines) + "\n\n"
        "Swagger UI: Apache-2.0, unchanged. ReDoc: MIT; its footer logo's address is replaced by an empty picture.\n"
    )
