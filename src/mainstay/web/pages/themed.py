"""Pages from Jinja templates: an app's own before ours, its colours and texts, under a strict policy."""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse

from mainstay.base.errors import ConfigurationError
from mainstay.web.pages.words import Wording, Words

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Not no-referrer: a form on such a page sends `Origin: null`, by which nobody knows it for one of ours.
_HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Theme:
    """How pages look. `folder` holds an app's own templates, `theme.css` and `words.<language>.toml`.

    `title` is what the app is called, `logo` a path on this server, `accent` the colour of buttons, as #rrggbb.
    `reload` looks at files again each time.
    """

    title: str = "Mainstay"
    logo: str | None = None
    accent: str | None = None
    folder: Path | None = None
    language: str = "en"
    reload: bool = False

    def __post_init__(self) -> None:
        if self.accent is not None and _COLOUR.fullmatch(self.accent) is None:
            raise ConfigurationError(f"The accent {self.accent!r} is no colour.", fix="Write it as #0b5cad.")
        if self.logo is not None and (not self.logo.startswith("/") or self.logo.startswith("//")):
            # The policy loads pictures from this host alone: from elsewhere they would tell who signs in when.
            raise ConfigurationError(
                "The logo is no path on this server.", fix="Serve it from this app: /static/logo.svg."
            )
        if self.folder is not None and not self.folder.is_dir():
            raise ConfigurationError(
                f"There is no folder {self.folder}, where the app's own pages should lie.",
                fix="Make it, or leave MAINSTAY_PAGES__TEMPLATES out.",
            )


class ThemedPages:
    """`<name>.html` of the app's folder or else of ours; `ours/<name>.html` is always ours, to be extended."""

    def __init__(self, ours: Path, theme: Theme) -> None:
        self.theme, self._ours = theme, ours
        self._folders = [*([theme.folder] if theme.folder is not None else []), ours]
        loaders = [FileSystemLoader(each) for each in self._folders]
        self._jinja = Environment(
            loader=ChoiceLoader([PrefixLoader({"ours": loaders[-1]}), *loaders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=theme.reload,
        )
        # Read now: what is wrong with it is told at the start.
        self._words = Words(self._folders, theme.language)

    def wording(self, language: str | None, accepts: str) -> Wording:
        """The texts for somebody who chose this language, or whose browser accepts these."""
        return self._read_words().of(language, accepts)

    def languages(self) -> dict[str, str]:
        """The languages that there are texts in, with what each calls itself."""
        return self._read_words().languages()

    def render(
        self, name: str, values: Mapping[str, Any], say: Wording, status: int = 200, cookies: Iterable[str] = ()
    ) -> HTMLResponse:
        """The page, with a nonce and a policy of its own; `cookies` are Set-Cookie headers."""
        nonce = base64.b64encode(os.urandom(18)).decode()
        given = {
            "app": self.theme.title,
            "logo": self.theme.logo,
            "nonce": nonce,
            "say": say,
            "style": self._read_style() if self.theme.reload else self._style,
            **values,
        }
        answer = HTMLResponse(self._jinja.get_template(name).render(given), status, headers=_HEADERS)
        answer.headers["content-security-policy"] = _POLICY.replace("{nonce}", nonce)
        answer.headers["content-language"] = say.language
        for cookie in cookies:
            answer.headers.append("set-cookie", cookie)
        return answer

    def _read_words(self) -> Words:
        return Words(self._folders, self.theme.language) if self.theme.reload else self._words

    @cached_property
    def _style(self) -> str:
        return self._read_style()

    def _read_style(self) -> str:
        # Ours, the accent, the app's: each may say again what stands before it.
        parts = [(self._ours / "style.css").read_text("utf-8"), _accent(self.theme.accent)]
        own = None if self.theme.folder is None else self.theme.folder / "theme.css"
        if own is not None and own.is_file():
            parts.append(own.read_text("utf-8"))
        return "\n".join(parts).replace("</", "<\\/")


def _accent(colour: str | None) -> str:
    if colour is None:
        return ""
    ink = "#000000" if _luminance(colour) > 0.179 else "#ffffff"
    return f":root {{ --accent: {colour}; --on-accent: {ink}; }}"


def _luminance(colour: str) -> float:
    """WCAG 2.2's relative luminance: above 0.179 black has more contrast than white."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
