"""Models that real libraries saved, served in an environment that has them and does not have Regista."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.support.dataplane import Plane, Running, plane as running_plane
from tests.support.locked import run_uv

pytestmark = pytest.mark.slow

MAKING = """
import json, sys
import mlflow.pyfunc, mlflow.sklearn, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

folder = sys.argv[1]
X, y = load_iris(return_X_y=True, as_frame=True)
named = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)
mlflow.sklearn.save_model(named, folder + "/skops", signature=infer_signature(X, y), input_example=X.head(2))
mlflow.sklearn.save_model(named, folder + "/unsigned", serialization_format="pickle")
mlflow.sklearn.save_model(named, folder + "/proba", serialization_format="cloudpickle", pyfunc_predict_fn="predict_proba")
deep = MLPRegressor(hidden_layer_sizes=(32, 32), max_iter=300, random_state=1).fit(X.to_numpy(), y)
mlflow.sklearn.save_model(deep, folder + "/regressor", serialization_format="cloudpickle")

people = pd.DataFrame({"city": ["A", "B", "A", "C"] * 5, "age": [1.0, 2.0, 3.0, 4.0] * 5})
mixed = make_pipeline(
    ColumnTransformer([("city", OneHotEncoder(handle_unknown="ignore"), ["city"]), ("age", StandardScaler(), ["age"])]),
    LogisticRegression(),
).fit(people, [0, 1, 0, 1] * 5)
mlflow.sklearn.save_model(mixed, folder + "/mixed", serialization_format="cloudpickle", signature=infer_signature(people, np.array([0])))

class Sum(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.assign(total=model_input.sum(axis=1) * (params or {}).get("times", 1))[["total"]]

signature = infer_signature(pd.DataFrame({"a": [1.0], "b": [2.0]}), params={"times": 1})
mlflow.pyfunc.save_model(folder + "/pyfunc", python_model=Sum(), signature=signature)
truth = {"class": named.predict(X).tolist(), "deep": deep.predict(X.to_numpy()).tolist()}
json.dump(truth, open(folder + "/truth.json", "w"))
json.dump({"columns": list(X.columns), "data": X.to_numpy().tolist()}, open(folder + "/rows.json", "w"))
"""


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with scikit-learn, pandas and mlflow, as an environment's ``site-packages`` would be."""
    folder = tmp_path_factory.mktemp("libraries")
    wanted = ["scikit-learn", "skops", "pandas", "mlflow-skinny"]
    run_uv("pip", "install", "--python", sys.executable, "--target", str(folder), *wanted)
    return folder


@pytest.fixture(scope="session")
def models(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    program = f"import sys; sys.path.insert(0, {str(libraries)!r})\n{MAKING}"
    made = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        cwd=folder,
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.fixture
def serve(plane: Plane, models: Path, libraries: Path) -> Any:
    def started(name: str, **settings: Any) -> Running:
        return plane.worker(name, model_dir=str(models / name), layer=[str(libraries)], **settings)

    return started


@pytest.fixture(scope="module")
def regressor(models: Path, libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_plane(tmp_path_factory.mktemp("plane")) as made:
        yield made.worker("regressor", model_dir=str(models / "regressor"), layer=[str(libraries)])


@pytest.fixture
def rows(models: Path) -> dict[str, Any]:
    return dict(json.loads((models / "rows.json").read_text()))


@pytest.fixture
def truth(models: Path) -> dict[str, list[Any]]:
    return dict(json.loads((models / "truth.json").read_text()))


@pytest.mark.parametrize("name", ["skops", "unsigned"])
def test_predictions_are_those_of_scikit_learn(
    serve: Any, rows: dict[str, Any], truth: dict[str, Any], name: str
) -> None:
    worker = serve(name)
    turned = {"columns": rows["columns"][::-1], "data": [row[::-1] for row in rows["data"]]}
    for table in (rows, turned):
        assert worker.call("/invocations", {"dataframe_split": table}).json == {"predictions": truth["class"]}
    assert worker.call("/score", {"input_data": rows["data"]}).json == truth["class"]
    flat = [cell for row in rows["data"] for cell in row]
    tensor = {"name": "x", "shape": [len(rows["data"]), 4], "datatype": "FP64", "data": flat}
    (output,) = worker.call(f"/v2/models/{name}/infer", {"inputs": [tensor]}).json["outputs"]
    assert (output["datatype"], output["shape"], output["data"]) == ("INT64", [150], truth["class"])
    assert worker.call("/invocations", {"dataframe_records": [{rows["columns"][0]: 1.0}]}).status == 400
    assert "Warning" not in worker.text()


def test_the_saved_prediction_function_is_called(serve: Any, rows: dict[str, Any]) -> None:
    (odds,) = serve("proba").call("/score", {"input_data": rows["data"][:1]}).json
    assert len(odds) == 3
    assert sum(odds) == pytest.approx(1)


def test_eight_hundred_merged_answers_are_right(
    regressor: Running, rows: dict[str, Any], truth: dict[str, Any]
) -> None:
    def ask(number: int) -> bool:
        start = number % 147
        (got, *others) = regressor.call("/score", {"input_data": rows["data"][start : start + 1 + number % 3]}).json
        wanted = truth["deep"][start : start + 1 + number % 3]
        return len(others) + 1 == len(wanted) and [got, *others] == pytest.approx(wanted, rel=1e-5)

    with ThreadPoolExecutor(16) as many:
        assert sum(many.map(ask, range(800))) == 800
    assert "batching is off" not in regressor.text()


def test_columns_are_selected_by_name_where_the_model_does(serve: Any) -> None:
    worker = serve("mixed")
    asked = [{"age": 4, "city": "C"}, {"age": 1, "city": "A"}, {"age": 2.5, "city": "elsewhere"}]
    assert worker.call("/score", {"input_data": asked}).json[:2] == [1, 0]
    wrong = worker.call("/invocations", {"dataframe_records": [{"city": 3, "age": 1}]})
    assert wrong.status == 400
    assert "column city: 3 is not of type string" in wrong.json["message"]


def test_other_flavours_go_through_pyfunc(serve: Any) -> None:
    worker = serve("pyfunc")
    body = {"inputs": {"a": [1, 2], "b": [10.5, 20]}}
    assert worker.call("/invocations", body).json == {"predictions": [{"total": 11.5}, {"total": 22.0}]}
    assert worker.call("/invocations", {**body, "params": {"times": 2}}).json["predictions"][0] == {"total": 23.0}
    assert worker.call("/invocations", {**body, "params": {"other": 2}}).status == 400
    inputs = [{"name": name, "shape": [1], "datatype": "FP64", "data": [1]} for name in "ab"]
    assert worker.call("/v2/models/pyfunc/infer", {"inputs": inputs}).json["outputs"][0] == {
        "name": "total",
        "shape": [1],
        "datatype": "FP64",
        "data": [2.0],
    }
