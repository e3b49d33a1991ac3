"""Self-contained HTML pages: style, data and script inside, held together by a content security policy."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

from starlette.responses import HTMLResponse

_HOLE = re.compile(r"\{\{ (\w+) \}\}")


@dataclass(frozen=True)
class HtmlPage:
    """`<name>.html`, `<name>.js` and a style sheet, all lying in one package's folder.

    The template's holes are `{{ name }}`; `style`, `script` and `data` are filled by the page itself.
    """

    package: str
    name: str
    style: str

    def render(
        self, words: Mapping[str, str], data: Mapping[str, Any], markup: Mapping[str, str] | None = None
    ) -> HTMLResponse:
        """The page: `words` are escaped, `markup` is not, `data` becomes the data block `site`."""
        style, script = self._texts[1:]
        pieces = {key: html.escape(value) for key, value in words.items()} | dict(markup or {})
        pieces |= {"style": style, "script": script, "data": data_block("site", data)}
        # One pass: a title that looks like a hole stays a title.
        text = _HOLE.sub(lambda hole: pieces[hole[1]], self._texts[0])
        return HTMLResponse(text, headers={"content-security-policy": self._policy, "cache-control": "no-store"})

    @cached_property
    def _texts(self) -> tuple[str, str, str]:
        folder = resources.files(self.package)
        template, style, script = (
            (folder / name).read_text("utf-8") for name in (f"{self.name}.html", self.style, f"{self.name}.js")
        )
        return template, style, script

    @cached_property
    def _policy(self) -> str:
        _, style, script = self._texts
        return (
            f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data:; "
            "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )


def data_block(identity: str, value: Any) -> str:
    """A JSON data block for a page: no script, and nothing in it can close the element."""
    text = json.dumps(value).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json" id="{identity}">{text}</script>'


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
