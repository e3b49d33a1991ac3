"""Letters from templates: text and HTML together, in the reader's language, an app's own before the room's."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)

from mainstay.base.errors import ConfigurationError
from mainstay.mail.errors import LetterUnreadable, UnknownTemplate
from mainstay.mail.message import one_line
from mainstay.mail.options import MailOptions

OURS = Path(__file__).parent / "templates"
OUR_LANGUAGE = "en"
SUBJECT = "Subject:"
LONGEST_NAME = 64
_KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3}")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a letter says."""

    subject: str
    text: str
    html: str | None
    language: str


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    html: str | None
    language: str


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder of templates; those without a language in their name are in `language`."""

    name: str
    path: Path
    language: str

    def stems(self, kind: str, language: str) -> Iterator[str]:
        if language:
            yield f"{kind}.{language}"
        if language in ("", self.language):
            yield kind

    def holds(self, name: str) -> bool:
        return (self.path / name).is_file()


class Templates:
    """`<kind>.txt`, `<kind>.html`, and variants such as `<kind>.de.txt`, in the app's folder and in ours.

    The text's first line is `Subject: …`, below comments that begin with `#`. HTML is escaped. It comes from the
    folder that the text comes from, or from the app's: a letter never says one thing in our words and another in the
    app's.
    """

    def __init__(self, options: MailOptions) -> None:
        if options.folder is not None and not options.folder.is_dir():
            raise ConfigurationError(
                f"There is no folder {options.folder}, where the app's letters should lie.",
                fix="Make it, or leave MAINSTAY_MAIL__TEMPLATES out.",
            )
        self._options = options
        ours = _Folder("mainstay", OURS, OUR_LANGUAGE)
        # The app's first.
        self._folders = [ours]
        if options.folder is not None:
            self._folders.insert(0, _Folder("own", options.folder, options.language.lower()))
        loaders = {each.name: FileSystemLoader(each.path) for each in self._folders}
        self._jinja = Environment(
            # `letter.html` is the app's or else ours, `mainstay/letter.html` is ours: so that a template can extend
            # the one that it takes the place of.
            loader=ChoiceLoader([PrefixLoader(loaders), *loaders.values()]),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            # An app's texts may be changed while it is developed.
            auto_reload=options.strict,
        )
        self._jinja.filters.update(name=plain_name, line=plain_line, web=web_link)
        self._known: dict[tuple[str, str | None], _Found] = {}

    def kinds(self) -> list[str]:
        """The names of all templates that there are."""
        found = {path.name.partition(".")[0] for folder in self._folders for path in folder.path.glob("*.txt")}
        return sorted(kind for kind in found if _KIND.fullmatch(kind))

    def require(self, kind: str, language: str | None = None) -> None:
        """Raises UnknownTemplate for a kind that no folder holds."""
        self._find(kind, language)

    def render(self, kind: str, to: str, values: Mapping[str, Any], language: str | None = None) -> Rendered:
        """What the letter says. Raises UnknownTemplate, or LetterUnreadable for values that do not fit."""
        found = self._find(kind, language)
        given = {
            "app": self._options.app,
            "url": self._options.url or "",
            "email": to,
            "language": found.language,
            **values,
        }
        try:
            text = self._jinja.get_template(found.text).render(given)
            subject, rest = _subject(text)
            html = found.html and self._jinja.get_template(found.html).render({**given, "subject": subject})
        except ConfigurationError:
            raise
        except Exception as error:  # a template may call anything
            raise LetterUnreadable(
                f"The letter {kind} cannot be rendered: {error}", fix=f"Mend {found.text}, or pass what it asks for."
            ) from error
        if not subject:
            raise LetterUnreadable(
                f"The letter {kind} has no subject.", fix=f"Let {found.text} begin with a line `{SUBJECT} …`."
            )
        return Rendered(subject, rest, html, found.language)

    def page(self, name: str, values: Mapping[str, Any]) -> str:
        """A page for browsers, the app's or else ours."""
        own = self._folders[0].language if self._folders[0].holds(name) else OUR_LANGUAGE
        return self._jinja.get_template(name).render({"app": self._options.app, "language": own, **values})

    def _find(self, kind: str, language: str | None) -> _Found:
        if language is not None:
            language = language.lower().replace("_", "-")
            if not _LANGUAGE.fullmatch(language):
                language = None
        found = None if self._options.strict else self._known.get((kind, language))
        if found is None:
            found = self._look(kind, language)
            if len(self._known) < 1000:
                self._known[kind, language] = found
        return found

    def _look(self, kind: str, language: str | None) -> _Found:
        if _KIND.fullmatch(kind):
            for wanted in self._languages(language):
                for depth, folder in enumerate(self._folders):
                    for stem in folder.stems(kind, wanted):
                        if folder.holds(f"{stem}.txt"):
                            page = next(
                                (each for each in self._folders[: depth + 1] if each.holds(f"{stem}.html")), None
                            )
                            return _Found(
                                f"{folder.name}/{stem}.txt",
                                None if page is None else f"{page.name}/{stem}.html",
                                wanted or folder.language,
                            )
        raise UnknownTemplate(
            f"There is no template {kind[:64]!r} for a letter.",
            fix=f"Write {kind[:64]}.txt into the folder that MAINSTAY_MAIL__TEMPLATES names; there are"
            f" {', '.join(self.kinds())}.",
        )

    def _languages(self, language: str | None) -> Iterator[str]:
        """`de-at`, `de`, the default language, none."""
        while language:
            yield language
            language = language.rpartition("-")[0]
        yield self._options.language.lower()
        yield ""


def plain_name(value: object) -> str:
    """What somebody calls themselves, fit to stand in a letter to somebody else: one short line that is no link."""
    # Mail programs make a link of anything with a dot between letters.
    return plain_line(re.sub(r"(?<=\w)\.(?=\w)", ". ", plain_line(value)))


def plain_line(value: object) -> str:
    """One short line without the beginnings of a link: the name of a file, say."""
    text = one_line(str(value))
    text = re.sub(r"(?i)\b(?:https?|ftp)://|\bwww\.", "", text).replace("//", "/")
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def web_link(value: object) -> str:
    """The address, to be put behind a button. Raises LetterUnreadable for one that browsers would run or read."""
    text = str(value)
    if urlsplit(text).scheme not in ("https", "http") or not text.isprintable() or " " in text:
        raise LetterUnreadable("A letter links to something that is no web address.", fix="Pass an https:// address.")
    return text


def _subject(text: str) -> tuple[str, str]:
    lines = text.lstrip().split("\n")
    while lines and lines[0].startswith("#"):
        del lines[0]
    first, rest = lines[0] if lines else "", "\n".join(lines[1:])
    if not first.startswith(SUBJECT):
        return "", text
    return one_line(first.removeprefix(SUBJECT)), rest.strip() + "\n"
