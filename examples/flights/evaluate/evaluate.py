"""Judge a model by the days that were held out, in ten groups: ten values for each metric show how far chance goes."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd

GROUPS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True, help="folder with held_out.csv")
    parser.add_argument("--model", type=Path, required=True, help="folder with a model in MLflow's format")
    parser.add_argument("--report", type=Path, required=True, help="folder to write the report to")
    args = parser.parse_args()

    table = pd.read_csv(args.prepared / "held_out.csv")
    model = mlflow.sklearn.load_model(str(args.model))
    table["error"] = model.predict(table[model.feature_names_in_]) - table["arr_delay"]
    for group, flights in table.groupby(table["day_of_year"] // 5 % GROUPS):
        error = flights["error"]
        metrics = {
            "mae": error.abs().mean(),
            "rmse": (error**2).mean() ** 0.5,
            "share_within_15_minutes": (error.abs() <= 15).mean(),
        }
        mlflow.log_metrics({name: float(value) for name, value in metrics.items()}, step=int(group))
    args.report.mkdir(parents=True, exist_ok=True)
    by_carrier = table.groupby("carrier")["error"].agg(flights="size", mae=lambda error: error.abs().mean())
    by_carrier.round(2).to_csv(args.report / "mae_by_carrier.csv")
    print(f"{len(table):,} flights, off by {table['error'].abs().mean():.1f} minutes on average")


if __name__ == "__main__":
    main()
