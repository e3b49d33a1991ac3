"""An app that was never seen before: 60,000 rows go in from CSV, are served, and come out the same."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx2 as httpx

from tests.databases import Urls
from tests.journeys.unseen_app import APP, READINGS, read_csv, rows, write_csv
from tests.serving import MAINSTAY, served


def mainstay(folder: Path, environment: dict[str, str], *arguments: str) -> Any:
    """One command in a process of its own; its JSON."""
    done = subprocess.run(
        [*MAINSTAY, *arguments, "--json"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-3000:]
    return json.loads(done.stdout)


def every(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items, page by page to the last cursor."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        answer = client.get(f"/api/v1/{path}?{urlencode({**query, 'limit': 200, **after})}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def test_60000_rows_are_imported_served_paged_and_exported_the_same(urls: Urls, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    expected = rows()
    assert sum(map(len, expected.values())) == 60_000
    environment = {"MAINSTAY_DATABASE_URL": urls.database_url, "MAINSTAY_LOG_FORMAT": "off"}
    if urls.system_url != urls.database_url:
        environment["MAINSTAY_DATABASE_SYSTEM_URL"] = urls.system_url
    mainstay(tmp_path, environment, "migrate", "app.py")

    for name, wanted in expected.items():
        write_csv(tmp_path / f"{name}.csv", wanted)
        done = mainstay(tmp_path, environment, "import", "app.py", name, f"{name}.csv")
        assert (done["created"], done["refused"]) == (len(wanted), 0)

    with served(tmp_path, **environment) as (server, client):
        look_around(client, expected)
        assert server.stop() == 0

    for name, wanted in expected.items():
        assert mainstay(tmp_path, environment, "export", "app.py", name, f"{name}.out.csv")["rows"] == len(wanted)
        exported = {row["id"]: row for row in read_csv(tmp_path / f"{name}.out.csv")}
        columns = list(wanted[0])
        assert [{c: exported[row["id"]][c] for c in columns} for row in read_csv(tmp_path / f"{name}.csv")] == [
            {c: row[c] or "" for c in columns} for row in wanted
        ]
        # The csv module reads nothing and "" alike; in the files themselves they stay apart.
        assert text_of(tmp_path / f"{name}.out.csv").count(',""') >= text_of(tmp_path / f"{name}.csv").count(',"",')


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def look_around(client: httpx.Client, expected: dict[str, list[dict[str, Any]]]) -> None:
    """Filter, sort, search, follow relations, and page to the end; each answer is worked out here as well."""
    readings = expected["readings"]
    warm = sorted(
        (row for row in readings if row["quality"] == "good" and float(row["celsius"]) >= 20),
        key=lambda row: (-float(row["celsius"]), row["id"]),
    )
    query = {"quality": "good", "celsius.gte": "20", "sort": "-celsius,id", "fields": "id,celsius"}
    assert every(client, "readings", **query) == [{"id": row["id"], "celsius": row["celsius"]} for row in warm]

    by_time = sorted(readings, key=lambda row: (row["at"], row["id"]))
    assert [row["id"] for row in every(client, "readings", sort="at,id", fields="id")] == [r["id"] for r in by_time]

    stations = {row["id"]: row for row in expected["stations"]}
    northern = {row["id"] for row in expected["sensors"] if stations[row["station_id"]]["country"] == "NO"}
    theirs = every(client, "readings", **{"sensor.station.country": "NO", "note.is": "null", "fields": "id"})
    assert {row["id"] for row in theirs} == {
        row["id"] for row in readings if row["sensor_id"] in northern and row["note"] is None
    }
    assert len(theirs) == len({row["id"] for row in theirs})

    counted = client.get("/api/v1/readings", params={"count": "exact", "limit": 1}).json()
    assert counted["count"] == READINGS
    sensors = {
        row["id"]: sum(each["station_id"] == row["id"] for each in expected["sensors"]) for row in stations.values()
    }
    assert {row["id"]: row["sensor_count"] for row in every(client, "stations", fields="id,sensor_count")} == sensors

    found = client.get("/api/v1/stations", params={"q": "peak", "fields": "name", "limit": 200}).json()["items"]
    assert sorted(row["name"] for row in found) == sorted(
        row["name"] for row in stations.values() if re.search(r"\bPeak\b", row["name"])
    )
    expanded = client.get("/api/v1/sensors", params={"expand": "station", "limit": 20}).json()["items"]
    assert all(row["station"]["code"] == stations[row["station_id"]]["code"] for row in expanded)
    refused = client.get("/api/v1/readings", params={"celcius.gte": "20"})
    assert refused.status_code == 400
    assert "celsius" in refused.json()["detail"]
