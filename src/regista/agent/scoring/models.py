"""MLflow models without scoring code: read the MLmodel file, load the flavour, call it.

scikit-learn is loaded directly (pickle, cloudpickle, skops), which needs no MLflow in the environment and starts and
answers faster; every other flavour goes through ``mlflow.pyfunc``. The layout is that of
https://mlflow.org/docs/latest/ml/model/#storage-format"""

from __future__ import annotations

import os
import pickle
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .faults import BadRequestError, StartError
from .logs import log
from .native import Native, by_numbers
from .payload import Payload
from .prediction import Prediction, plain
from .signature import Signature, parse


class Model:
    """A loaded model: ``predict`` answers one payload that already conforms to ``signature``. A ``brief`` one is known to do
    nothing but arithmetic: it waits for nobody, and for few rows it is soon done."""

    def __init__(
        self,
        platform: str,
        signature: Signature,
        native: Native,
        call: Callable[[Any, Payload], Any],
        *,
        brief: bool = False,
    ) -> None:
        self.platform = platform
        self.brief = brief
        self.signature = signature
        self._native = native
        self._call = call

    def predict(self, payload: Payload) -> Prediction:
        return plain(self._call(self._native.of(payload), payload))


def load(folder: Path) -> Model:
    """The model in *folder* (or in the only folder below it that has an MLmodel file); raise ``StartError`` if there is none
    or this environment cannot load it."""
    root = _root(folder)
    about = _about(root / "MLmodel")
    flavors = about.get("flavors")
    if not isinstance(flavors, dict):
        raise StartError("the MLmodel file names no flavors")
    signature = parse(about.get("signature"))
    pyfunc = flavors.get("python_function") or {}
    _add_code(root, pyfunc.get("code"))
    if "sklearn" in flavors and pyfunc.get("loader_module", "mlflow.sklearn") == "mlflow.sklearn":
        return _sklearn(root, flavors["sklearn"], pyfunc, signature)
    return _pyfunc(root, flavors, signature)


def sample(folder: Path) -> bytes | None:
    """The model's own serving example (a body for ``/invocations``), if it was saved with one."""
    try:
        return (_root(folder) / "serving_input_example.json").read_bytes()
    except (OSError, StartError):
        return None


def _root(folder: Path) -> Path:
    if (folder / "MLmodel").is_file():
        return folder
    found = sorted(folder.glob("*/MLmodel")) if folder.is_dir() else []
    if len(found) != 1:
        raise StartError(
            "the model has no MLmodel file, so it cannot be served without code: give the deployment a scoring script"
        )
    return found[0].parent


def _about(path: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as error:
        raise StartError("PyYAML is missing in the environment and in the layer") from error
    try:
        about = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        raise StartError(f"the MLmodel file cannot be read: {error}") from error
    if not isinstance(about, dict):
        raise StartError("the MLmodel file is not a mapping")
    return about


def _inside(root: Path, name: Any) -> Path:
    """The file *name* of a model, which must lie inside the model."""
    path = (root / str(name)).resolve()
    if root.resolve() not in path.parents:
        raise StartError(f"the MLmodel file points outside the model: {name}")
    return path


def _add_code(root: Path, code: Any) -> None:
    if not code:
        return
    sys.path.insert(0, str(_inside(root, code)))


def _sklearn(root: Path, flavor: dict[str, Any], pyfunc: dict[str, Any], signature: Signature) -> Model:
    estimator = _unpickled(root, flavor, pyfunc)
    name = str(pyfunc.get("predict_fn", "predict"))
    function = getattr(estimator, name, None)
    if not callable(function):
        raise StartError(f"the scikit-learn model has no {name}()")
    trained_on = getattr(estimator, "feature_names_in_", None)
    names = None if trained_on is None else tuple(str(one) for one in trained_on)
    if names is None:
        style = "array" if hasattr(estimator, "n_features_in_") else "frame"
    else:
        style = "numbers" if by_numbers(estimator) and signature.names in (None, names) else "frame"
    signature = _with_names(signature, names)
    native = Native(style, signature)
    warnings.filterwarnings("ignore", message="X does not have valid feature names")  # the names were checked before

    def call(table: Any, payload: Payload) -> Any:
        if payload.named is not None:
            raise BadRequestError(
                "a scikit-learn model takes one table, not tensors by name", expected=signature.expected()
            )
        return function(table)

    return Model("sklearn", signature, native, call, brief=by_numbers(estimator))


def _with_names(signature: Signature, names: tuple[str, ...] | None) -> Signature:
    """*signature*, or where there is none the names the estimator was trained with, of any type."""
    if signature.inputs is not None or names is None:
        return signature
    return parse({"inputs": [{"name": name, "type": "any", "required": True} for name in names]})


def _unpickled(root: Path, flavor: dict[str, Any], pyfunc: dict[str, Any]) -> Any:
    if os.environ.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true").lower() in ("false", "0"):
        raise StartError("MLFLOW_ALLOW_PICKLE_DESERIALIZATION forbids loading a scikit-learn model")
    path = _inside(root, flavor.get("pickled_model") or pyfunc.get("model_path") or "model.pkl")
    form = flavor.get("serialization_format", "pickle")
    try:
        if form == "skops":
            import skops.io  # type: ignore[import-not-found,unused-ignore]

            return skops.io.load(path, trusted=flavor.get("skops_trusted_types"))
        if form == "cloudpickle":
            import cloudpickle  # type: ignore[import-not-found,unused-ignore]  # noqa: F401  # the pickle names it

        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - a model is code; who may deploy it may run it, in its own process
    except ImportError as error:
        raise StartError(f"the model needs a package that its environment lacks: {error}") from error
    except Exception as error:
        raise StartError(f"the model cannot be loaded: {type(error).__name__}: {error}") from error


def _pyfunc(root: Path, flavors: dict[str, Any], signature: Signature) -> Model:
    try:
        import mlflow.pyfunc  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        named = ", ".join(sorted(set(flavors) - {"python_function"})) or "python_function"
        raise StartError(f"a model of flavor {named} needs mlflow in its environment: {error}") from error
    try:
        loaded = mlflow.pyfunc.load_model(str(root))
    except Exception as error:
        raise StartError(f"the model cannot be loaded: {type(error).__name__}: {error}") from error
    log.info("loaded by mlflow.pyfunc")

    def call(table: Any, payload: Payload) -> Any:
        return loaded.predict(table, params=payload.params) if payload.params else loaded.predict(table)

    return Model("mlflow", signature, Native("frame", signature), call)
