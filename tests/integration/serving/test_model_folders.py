"""Scoring scripts as Azure ML's documentation writes them find the files of a model."""

import pytest

from tests.support.scoring import Site

pytestmark = pytest.mark.slow

SCRIPT = """
import json, os

def init():
    global text
    with open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "{path}")) as file:
        text = file.read()

def run(raw):
    return text
"""


@pytest.mark.parametrize(
    ("files", "source", "path"),
    [
        ({"sklearn_regression_model.pkl": b"folder"}, {"folder": "model"}, "model/sklearn_regression_model.pkl"),
        ({"sklearn_regression_model.pkl": b"folder"}, {"folder": "model"}, "sklearn_regression_model.pkl"),
        ({"model.pkl": b"file"}, {}, "model.pkl"),
    ],
    ids=["in its folder", "where it is", "a single file"],
)
def test_a_script_finds_the_model(site: Site, files: dict[str, bytes], source: dict[str, str], path: str) -> None:
    site.people.version(site.scope, name="laid", files=files, source=source)
    code = {"code": site.code(SCRIPT.replace("{path}", path)), "scoring_script": "score.py"}
    caller = site.endpoint()
    site.deploy(model="azureml:laid:1", code_configuration=code)
    site.traffic(blue=100)
    caller.serves()
    assert caller.ask() == (200, next(iter(files.values())).decode())
