"""Curated names."""

import pytest

from regista.drivers.runtimes.curated import curated, shipped
from regista.drivers.runtimes.uv.draft import name_of
from regista.drivers.runtimes.uv.translate import translate


def test_every_shipped_name_is_found_and_translates():
    assert len(shipped()) >= 9
    assert [one.name for one in shipped()] == sorted(one.name for one in shipped())
    for one in shipped():
        assert curated(one.name) == one.spec
        assert translate(one.spec).requirements
        assert one.version.isdigit()
        assert one.description.endswith(".")


@pytest.mark.parametrize(
    "name",
    [
        "sklearn-1.5", "AzureML-sklearn-1.5", "azureml-sklearn-1.5-ubuntu22.04-py310-cpu", "sklearn-1.5-py310-cpu-inference",
        "mcr.microsoft.com/azureml/curated/sklearn-1.5:21", "mcr.microsoft.com/azureml/curated/sklearn-1.5@sha256:0",
        "mcr.microsoft.com/azureml/sklearn-1.5-ubuntu22.04-py310-cpu-inference:latest",
    ],
)  # fmt: skip
def test_the_platform_in_a_name_does_not_matter(name):
    assert curated(name) == curated("sklearn-1.5") is not None


def test_models_can_be_logged_as_mlflow_writes_them_by_default():
    """MLflow 3 writes scikit-learn's models by skops and imports pandas for PyTorch's; its small package brings neither."""
    for one in shipped():
        lines = translate(one.spec).requirements
        packages = {name_of(line) for line in lines}
        if any(line.startswith("mlflow-skinny==3") for line in lines):
            assert "skops" in packages or "scikit-learn" not in packages, one.name
            assert "pandas" in packages or "torch" not in packages, one.name


def test_azures_older_name_has_the_python_of_its_time():
    assert translate(curated("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu")).python == "3.8"


@pytest.mark.parametrize("name", ["minimal", "AzureML-minimal", "mlflow", "lightgbm", "xgboost", "pytorch", "sklearn"])
def test_a_family_alone_is_its_newest_version(name):
    assert curated(name) is not None


@pytest.mark.parametrize("name", ["", "sklearn-9.9", "../minimal", "python:3.11", "minimal.json", "-cpu", "azureml-"])
def test_another_version_or_name_is_not_guessed(name):
    assert curated(name) is None
