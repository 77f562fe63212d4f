"""Turn flights as they were recorded into what a model learns from: what is known when a plane leaves its gate.

Every fifth day is held out, so that the model is judged on days that it has not seen."""

import argparse
from pathlib import Path

import pandas as pd
import regista_tracking as tracking  # every job finds it; mlflow would do as well, and is slower to import

COLUMNS = (
    "year month day sched_dep_time dep_delay sched_arr_time arr_delay carrier origin dest distance hour".split()
)  # no tailnum, no flight number: which plane it was is nobody's business here, and the dev sample does not have them


def minutes(clock: pd.Series) -> pd.Series:
    """1430 is half past two in the afternoon."""
    return clock // 100 * 60 + clock % 100


def prepare(flights: pd.DataFrame) -> pd.DataFrame:
    """One row for each flight that arrived: cancelled and diverted ones have no arrival delay to learn from."""
    arrived = flights.dropna(subset=["arr_delay", "dep_delay"])
    date = pd.to_datetime(arrived[["year", "month", "day"]])
    return pd.DataFrame(
        {
            "carrier": arrived["carrier"],
            "origin": arrived["origin"],
            "dest": arrived["dest"],
            "month": arrived["month"],
            "weekday": date.dt.dayofweek,
            "hour": arrived["hour"],
            "distance": arrived["distance"],
            "scheduled_minutes": (minutes(arrived["sched_arr_time"]) - minutes(arrived["sched_dep_time"])) % 1440,
            "dep_delay": arrived["dep_delay"],
            "arr_delay": arrived["arr_delay"],
            "day_of_year": date.dt.dayofyear,
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flights", type=Path, required=True, help="folder with flights*.csv")
    parser.add_argument("--prepared", type=Path, required=True, help="folder to write to")
    args = parser.parse_args()

    files = sorted(args.flights.glob("flights*.csv"))
    recorded = pd.concat(pd.read_csv(file, usecols=COLUMNS) for file in files)
    table = prepare(recorded)
    held_out = table["day_of_year"] % 5 == 0
    args.prepared.mkdir(parents=True, exist_ok=True)
    table[~held_out].to_csv(args.prepared / "training.csv", index=False)
    table[held_out].to_csv(args.prepared / "held_out.csv", index=False)
    tracking.log_params({"recorded": len(recorded), "arrived": len(table), "held_out": int(held_out.sum())})
    print(f"{len(recorded):,} flights recorded, {len(table):,} arrived, {held_out.sum():,} of them held out")


if __name__ == "__main__":
    main()
