"""What autologging of scikit-learn, XGBoost, LightGBM and, with FLAVORS=pytorch, PyTorch leaves in a run: here the same as in a
store of MLflow's own, which is a stock server where STOCK says its address. Then the models are loaded and served from here."""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient

HERE = os.environ["MLFLOW_TRACKING_URI"]
NAME = os.environ["NAME"]
FLAVORS = os.environ.get("FLAVORS", "sklearn xgboost lightgbm").split()
FRAME = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=["a", "b", "c"])
TARGET = FRAME["a"] - 2 * FRAME["b"] + 0.5 * FRAME["c"]


def sklearn() -> None:
    from sklearn.linear_model import LogisticRegression

    mlflow.sklearn.autolog(registered_model_name=f"{NAME}-sklearn", log_input_examples=True)
    LogisticRegression(random_state=0).fit(FRAME, TARGET > 0)


def xgboost() -> None:
    import xgboost

    mlflow.xgboost.autolog(registered_model_name=f"{NAME}-xgboost", log_input_examples=True)
    data = xgboost.DMatrix(FRAME, label=TARGET)
    xgboost.train({"max_depth": 2, "nthread": 1, "seed": 0}, data, num_boost_round=5, evals=[(data, "train")])


def lightgbm() -> None:
    import lightgbm

    mlflow.lightgbm.autolog(registered_model_name=f"{NAME}-lightgbm", log_input_examples=True)
    data = lightgbm.Dataset(FRAME, label=TARGET)
    told = {"objective": "regression", "num_leaves": 4, "num_threads": 1, "verbose": -1, "seed": 0}
    lightgbm.train(told, data, num_boost_round=5, valid_sets=[data], valid_names=["train"])


def pytorch() -> None:
    import lightning
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    class Line(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, x):
            return self.layer(x)

        def training_step(self, batch, _):
            loss = torch.nn.functional.mse_loss(self(batch[0]).squeeze(1), batch[1])
            self.log("loss", loss, on_epoch=True)
            return loss

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    torch.manual_seed(0)
    mlflow.pytorch.autolog(registered_model_name=f"{NAME}-pytorch")
    data = TensorDataset(torch.tensor(FRAME.values, dtype=torch.float32), torch.tensor(TARGET, dtype=torch.float32))
    trainer = lightning.Trainer(max_epochs=3, accelerator="cpu", enable_progress_bar=False, logger=False,
                                default_root_dir=tempfile.mkdtemp(), log_every_n_steps=1)  # fmt: skip
    trainer.fit(Line(), DataLoader(data, batch_size=20))


def train(uri: str, flavor: str) -> dict[str, object]:
    """Train with everything that is logged going to *uri*; tell what is there then."""
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    mlflow.set_experiment(NAME)
    mlflow.autolog(disable=True)
    with mlflow.start_run(run_name=flavor) as run:
        globals()[flavor]()
    mlflow.autolog(disable=True)
    return left(MlflowClient(uri, uri), run.info.run_id, f"{NAME}-{flavor}")


def left(client: MlflowClient, run_id: str, model: str) -> dict[str, object]:
    """All that a run left behind, without what differs from one run to the next: ids, times, where files are."""
    run = client.get_run(run_id)
    logged = client.search_logged_models([run.info.experiment_id], filter_string=f"source_run_id = '{run_id}'")
    version = client.get_model_version(model, "1")
    return {
        "status": run.info.status,
        "metrics": {
            key: [(m.step, round(m.value, 6)) for m in client.get_metric_history(run_id, key)]
            for key in run.data.metrics
        },
        "params": run.data.params,
        "tags": sorted(run.data.tags),
        "files": files(client.list_artifacts, run_id),
        "inputs": [
            (one.dataset.name, one.dataset.digest, one.dataset.schema, [(t.key, t.value) for t in one.tags])
            for one in run.inputs.dataset_inputs
        ],
        "models": [
            {
                "name": one.name,
                "type": one.model_type or "",
                "status": str(one.status),
                "params": one.params,
                "metrics": sorted((m.key, m.step, round(m.value, 6)) for m in one.metrics or []),
                "tags": sorted(one.tags),
                "files": files(client.list_logged_model_artifacts, one.model_id),
            }
            for one in logged
        ],
        "version": (
            str(version.version),
            version.status,
            version.run_id == run_id,
            version.model_id == logged[0].model_id,
        ),
    }


def files(list_folder, owner: str, folder: str | None = None) -> list[object]:
    """Paths below *folder*, with the sizes of files that are the same each time."""
    found: list[object] = []
    for one in list_folder(owner, folder):
        if one.is_dir:
            found += files(list_folder, owner, one.path)
        else:
            found.append(re.sub(r"epoch=\d+-step=\d+", "epoch", one.path))
    return sorted(found)


def serve(model: str) -> list[object]:
    """What ``mlflow models serve`` answers about the first rows, with the model fetched from here."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "models",
        "serve",
        "-m",
        model,
        "-p",
        str(port),
        "--env-manager",
        "local",
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by its name
    log_file = Path("serve.log")
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env=os.environ | {"PATH": path}
        )
    try:
        return answer_of(process, port, log_file)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
        process.wait()


def answer_of(process: subprocess.Popen, port: int, log_file: Path) -> list[object]:
    """The port opens when the model is loaded, however long that takes: the process answers, or it ends."""
    body = json.dumps({"dataframe_split": FRAME.head(5).to_dict(orient="split", index=False)}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
    while process.poll() is None:
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own loopback address
                return json.load(answer)["predictions"]
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            time.sleep(0.2)
    raise AssertionError(f"it ended with {process.returncode}:\n{log_file.read_text()}")


def main() -> None:
    # Which packages a model needs is found out in a process of its own for each, and has nothing to do with who keeps it.
    mlflow.models.infer_pip_requirements = lambda *_, fallback=None, **__: fallback
    stock = os.environ.get("STOCK") or f"sqlite:///{Path.cwd()}/stock.db"
    for flavor in FLAVORS:
        wanted, got = train(stock, flavor), train(HERE, flavor)
        assert wanted["metrics"], (flavor, wanted)
        assert wanted["params"], (flavor, wanted)
        assert wanted["models"], (flavor, wanted)
        for what, value in wanted.items():
            assert got[what] == value, f"{flavor}: {what}\nthere: {value}\nhere:  {got[what]}"
    last = f"{NAME}-{FLAVORS[-1]}"
    for flavor in FLAVORS:
        rows = FRAME.astype("float32") if flavor == "pytorch" else FRAME
        loaded = mlflow.pyfunc.load_model(f"models:/{NAME}-{flavor}/1")
        assert len(loaded.predict(rows)) == len(FRAME), flavor
    if os.environ.get("SERVE"):
        expected = np.ravel(
            loaded.predict(FRAME.head(5) if FLAVORS[-1] != "pytorch" else FRAME.head(5).astype("float32"))
        )
        assert np.allclose(np.ravel(pd.DataFrame(serve(f"models:/{last}/1")).values), expected)


main()
