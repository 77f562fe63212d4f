"""An MLflow model without code: its own environment, its own signature, several forms of request."""

import sys
from pathlib import Path

import pytest

from tests.support.locked import run_uv
from tests.support.scoring import Site

pytestmark = pytest.mark.slow

TRAIN = """
import pickle, sys
from pathlib import Path
from sklearn.linear_model import LinearRegression

model = LinearRegression().fit([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 2.0, 3.0])
Path(sys.argv[1], "model.pkl").write_bytes(pickle.dumps(model))
"""
MLMODEL = b"""\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
    env: {conda: conda.yaml}
  sklearn:
    pickled_model: model.pkl
    serialization_format: pickle
    sklearn_version: 1.5.2
"""
CONDA = b"dependencies:\n- python=3.11\n- pip\n- pip:\n  - scikit-learn==1.5.2\n  - numpy<2.3\nname: mlflow-env\n"


@pytest.fixture(scope="module")
def pickled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A regression of two features, trained where scikit-learn is."""
    folder: Path = tmp_path_factory.mktemp("model")
    libraries = ("--with", "scikit-learn==1.5.2", "--with", "numpy<2.3")
    run_uv(
        *(
            "run",
            "--isolated",
            "--no-project",
            "--python",
            sys.executable,
            *libraries,
            "python",
            "-c",
            TRAIN,
            str(folder),
        )
    )
    return (folder / "model.pkl").read_bytes()


def test_a_scikit_learn_model_is_served_in_the_environment_that_it_brings(site: Site, pickled: bytes) -> None:
    caller = site.endpoint()
    files = {"MLmodel": MLMODEL, "conda.yaml": CONDA, "model.pkl": pickled}
    site.people.version(site.scope, name="regression", type="mlflow_model", files=files)
    made = site.deploy(model="azureml:regression:1", code_configuration=None, environment=None)
    assert "/environment/anonymous/" in made.environment
    assert made.lock is not None
    site.traffic(blue=100)
    asked = {"input_data": [[1.0, 1.0], [0.0, 1.0]]}
    caller.serves(asked)
    assert caller.ask(asked)[1] == pytest.approx([3.0, 1.0])
    caller.url = caller.url.removesuffix("score") + "invocations"
    status, said = caller.ask({"inputs": [[1.0, 0.0]]})
    assert (status, said["predictions"]) == (200, pytest.approx([2.0]))
    assert caller.ask({"nonsense": 1})[0] == 400
