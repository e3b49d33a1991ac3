"""The texts of pages, in one file a language: `words.en.toml`, an app's own over ours."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mainstay.base.errors import ConfigurationError

_FILE = re.compile(r"words\.([a-z]{2,3}(?:-[a-z0-9]{1,8}){0,3})\.toml")
_HOLE = re.compile(r"\{(\w+)\}")
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
LONGEST = 200


class Wording:
    """The texts of one language. What it lacks is said in the language that every text is there in."""

    def __init__(self, language: str, texts: Sequence[Mapping[str, str]]) -> None:
        self.language = language
        self._texts = texts

    def __contains__(self, key: str) -> bool:
        return any(key in each for each in self._texts)

    def __call__(self, key: str, **values: object) -> str:
        """The text of this key, its `{holes}` filled. Raises KeyError for a key that no language has."""
        found = next((each[key] for each in self._texts if key in each), None)
        if found is None:
            raise KeyError(key)
        # A value that looks like a hole stays what it is; one that is missing stays a hole.
        return _HOLE.sub(lambda hole: str(values.get(hole[1], hole[0])), found)

    def date(self, when: datetime) -> str:
        """The day in UTC, as `dates.date` writes it: with `{day}`, `{month}`, `{month_name}` and `{year}`."""
        day = when.astimezone(UTC)
        name = self(f"dates.months.{day.month}")
        return self("dates.date", day=day.day, month=f"{day:%m}", month_name=name, year=day.year)

    def moment(self, when: datetime) -> str:
        """The minute in UTC, as `dates.moment` writes it: with `{date}` and `{time}`."""
        return self("dates.moment", date=self.date(when), time=f"{when.astimezone(UTC):%H:%M}")


class Words:
    """All languages there are: ours, and those of `folders`, which come first. `language` is the app's own."""

    def __init__(self, folders: Sequence[Path], language: str = "en") -> None:
        self._languages: dict[str, list[Mapping[str, str]]] = {}
        for folder in folders:
            for path in sorted(folder.glob("words.*.toml")):
                named = _FILE.fullmatch(path.name)
                if named is None:
                    raise ConfigurationError(
                        f"{path} is named for no language.", fix="Name it words.de.toml, in small letters."
                    )
                self._languages.setdefault(named[1], []).append(_read(path))
        self._own = language.lower().replace("_", "-")

    def languages(self) -> dict[str, str]:
        """Each language there is, with what it calls itself (`language.name`)."""
        found = {}
        for language, texts in sorted(self._languages.items()):
            found[language] = next((each["language.name"] for each in texts if "language.name" in each), language)
        return found

    def of(self, language: str | None, accepts: str = "") -> Wording:
        """Texts in the language asked for, else in the best of an Accept-Language header (RFC 9110 §12.5.4)."""
        wanted = [*([language] if language else []), *_ranked(accepts), self._own, "en"]
        found = next((each for asked in wanted for each in _wider(asked) if each in self._languages), "en")
        texts = [text for each in _wider(found) for text in self._languages.get(each, ())]
        return Wording(found, [*texts, *self._languages.get("en", ())])


def _read(path: Path) -> Mapping[str, str]:
    try:
        return dict(_flat(tomllib.loads(path.read_text("utf-8"))))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", fix="Write it as ours is written.") from None


def _flat(table: Mapping[str, object], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, str):
            yield f"{above}{name}", value
        else:
            raise ConfigurationError(f"The text {above}{name} is no text.", fix="Put it in quotes.")


def _ranked(accepts: str) -> Iterable[str]:
    found = []
    for place, part in enumerate(accepts[:LONGEST].split(",")):
        match = _RANGE.fullmatch(part)
        quality = 0.0 if match is None else float(match[2] or 1)
        if match is not None and match[1] != "*" and quality > 0:
            found.append((-quality, place, match[1]))
    return [each for _, _, each in sorted(found)]


def _wider(language: str) -> Iterator[str]:
    """`de-at`, then `de`."""
    language = language.lower().replace("_", "-")
    while language:
        yield language
        language = language.rpartition("-")[0]
