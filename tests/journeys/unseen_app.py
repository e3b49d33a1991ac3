"""An app that nothing in Mainstay has seen before, and 60,000 rows for it."""

import csv
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

STATIONS, SENSORS, READINGS = 60, 940, 59_000

APP = '''"""Weather stations, their sensors, and what those read."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from mainstay import Access, Mainstay, Resource, anyone, count_of, field, ref, role
from sqlalchemy.orm import Mapped, relationship

READ_ALL = Access(read=anyone, write=role("observer"))


class Quality(StrEnum):
    good = "good"
    doubtful = "doubtful"
    missing = "missing"


class Station(Resource):
    __tablename__ = "stations"
    __access__ = READ_ALL
    code: Mapped[str] = field(pattern="[A-Z]{3}[0-9]{3}", unique=True)
    name: Mapped[str] = field(max_length=80, search=True)
    country: Mapped[str] = field(pattern="[A-Z]{2}", index=True)
    height: Mapped[int] = field(ge=-500, le=9000)
    automatic: Mapped[bool] = field(default=False)
    sensors: Mapped[list["Sensor"]] = relationship(back_populates="station")
    sensor_count = count_of("sensors")


class Sensor(Resource):
    __tablename__ = "sensors"
    __access__ = READ_ALL
    label: Mapped[str] = field(max_length=120)
    remark: Mapped[str | None] = field(default=None, max_length=500)
    station_id: Mapped[UUID] = ref(Station)
    station: Mapped[Station] = relationship(back_populates="sensors")
    readings: Mapped[list["Reading"]] = relationship(back_populates="sensor")


class Reading(Resource):
    __tablename__ = "readings"
    __access__ = READ_ALL
    at: Mapped[datetime] = field(index=True)
    celsius: Mapped[Decimal] = field(places=2, ge=-100, le=100, index=True)
    quality: Mapped[Quality] = field(default=Quality.good)
    note: Mapped[str | None] = field(default=None, max_length=200)
    sensor_id: Mapped[UUID] = ref(Sensor)
    sensor: Mapped[Sensor] = relationship(back_populates="readings")


app = Mainstay(title="Weather", resources=[Station, Sensor, Reading])
'''

WORDS = ["höhe", "O'Neill", 'say "hi"', "a,b", "line\nbreak", "日本", "", "  padded ", "-0", "=1+1", "ÅÄÖ", "null"]


def rows(seed: int = 60_000) -> dict[str, list[dict[str, Any]]]:
    """The rows by resource, as a CSV file holds them: text, and None for nothing."""
    chance = random.Random(seed)
    stations = [
        {
            "id": key("station", number),
            "code": f"{chance.choice(['ABC', 'XYZ', 'QRS'])}{number:03}",
            "name": f"Station {number} {chance.choice(['Bay', 'Peak', 'Öde', 'Field'])}",
            "country": chance.choice(["NO", "SE", "IS", "CL"]),
            "height": str(chance.randint(-20, 3000)),
            "automatic": chance.choice(["true", "false"]),
        }
        for number in range(STATIONS)
    ]
    sensors = [
        {
            "id": key("sensor", number),
            "label": f"{chance.choice(WORDS).strip()} {number}".strip(),
            "remark": chance.choice([None, *WORDS]),
            "station_id": chance.choice(stations)["id"],
        }
        for number in range(SENSORS)
    ]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    readings = [
        {
            "id": key("reading", number),
            "at": (start + timedelta(seconds=chance.randrange(10_000_000))).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "celsius": f"{chance.randrange(-4000, 4000) / 100:.2f}",
            "quality": chance.choice(["good", "good", "doubtful", "missing"]),
            "note": chance.choice([None, None, *WORDS]),
            "sensor_id": chance.choice(sensors)["id"],
        }
        for number in range(READINGS)
    ]
    return {"stations": stations, "sensors": sensors, "readings": readings}


def key(kind: str, number: int) -> str:
    return str(uuid5(NAMESPACE_OID, f"{kind}-{number}"))


def write_csv(path: Path, found: Sequence[dict[str, Any]]) -> None:
    """The file as `mainstay import` reads it: None is an empty cell, the empty text is `""`."""
    names = list(found[0])
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        for row in found:
            file.write(",".join(cell(row[name]) for name in names) + "\n")


def cell(value: str | None) -> str:
    return "" if value is None else '"' + value.replace('"', '""') + '"'


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
