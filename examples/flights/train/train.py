"""Learn how late a flight lands from what is known when it leaves its gate."""

import argparse
import logging
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import sklearn
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORIES = ["carrier", "origin", "dest"]
NUMBERS = ["month", "weekday", "hour", "distance", "scheduled_minutes", "dep_delay"]
FEATURES = CATEGORIES + NUMBERS
TARGET = "arr_delay"


def build(iterations: int, learning_rate: float) -> Pipeline:
    """Boosted trees over nine columns; a carrier or an airport that was never seen counts as missing."""
    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    trees = HistGradientBoostingRegressor(
        max_iter=iterations,
        learning_rate=learning_rate,
        categorical_features=list(range(len(CATEGORIES))),
        early_stopping=False,
        random_state=13,
    )
    columns = ColumnTransformer([("categories", encode, CATEGORIES), ("numbers", "passthrough", NUMBERS)])
    return Pipeline([("columns", columns), ("trees", trees)])


def main() -> None:
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # its advice on formats is not for this log
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True, help="folder with training.csv")
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--learning-rate", type=float, default=0.2)
    parser.add_argument("--model", type=Path, required=True, help="folder to save the model in, in MLflow's format")
    args = parser.parse_args()

    table = pd.read_csv(args.prepared / "training.csv")
    model = build(args.iterations, args.learning_rate).fit(table[FEATURES], table[TARGET])
    print(f"trained on {len(table):,} flights")
    mlflow.log_params({"algorithm": "HistGradientBoostingRegressor", "training_flights": len(table)})
    seen = table.sample(min(len(table), 20_000), random_state=13)
    mlflow.log_metric("training_mae", float((model.predict(seen[FEATURES]) - seen[TARGET]).abs().mean()))
    example = table[FEATURES].head(3).astype(dict.fromkeys(NUMBERS, float))
    mlflow.sklearn.save_model(
        model,
        args.model,
        signature=infer_signature(example, model.predict(example)),
        input_example=example,
        serialization_format="cloudpickle",
        pip_requirements=[f"scikit-learn=={sklearn.__version__}", f"pandas=={pd.__version__}"],
    )


if __name__ == "__main__":
    main()
