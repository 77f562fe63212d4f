"""What scikit-learn's autologging records by itself."""

import os

import mlflow
import numpy as np
from mlflow import MlflowClient
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import GridSearchCV

mlflow.set_experiment(os.environ["NAME"])
mlflow.sklearn.autolog(registered_model_name=os.environ["NAME"])
generator = np.random.default_rng(0)
X = generator.normal(size=(60, 3))
y = X @ np.array([1.0, 2.0, 3.0])
with mlflow.start_run() as run:
    forest = RandomForestRegressor(n_estimators=3, random_state=0).fit(X, y)
    score = forest.score(X, y)

found = MlflowClient().get_run(run.info.run_id)
assert found.data.params["n_estimators"] == "3"
assert found.data.metrics["training_r2_score"] > 0.5
assert any(key.startswith("RandomForestRegressor_score") for key in found.data.metrics), found.data.metrics
assert found.data.tags["estimator_name"] == "RandomForestRegressor"
assert found.inputs.dataset_inputs
assert np.allclose(mlflow.pyfunc.load_model(f"models:/{os.environ['NAME']}/1").predict(X), forest.predict(X))

mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run() as search_run:
    GridSearchCV(RandomForestRegressor(random_state=0), {"n_estimators": [1, 2]}, cv=2).fit(X, y)
children = MlflowClient().search_runs(
    [search_run.info.experiment_id], f"tags.mlflow.parentRunId = '{search_run.info.run_id}'"
)
assert len(children) == 2, children
assert MlflowClient().get_run(search_run.info.run_id).data.params["best_n_estimators"] in {"1", "2"}
