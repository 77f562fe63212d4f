"""Prompts, which MLflow keeps in its model registry."""

import os

import mlflow

NAME = os.environ["NAME"]
register = getattr(mlflow, "genai", mlflow).register_prompt
load = getattr(mlflow, "genai", mlflow).load_prompt
first = register(name=NAME, template="Hello {{name}}", commit_message="first")
second = register(name=NAME, template="Good day {{name}}")
assert (int(first.version), int(second.version)) == (1, 2)
assert load(f"prompts:/{NAME}/1").format(name="Ada") == "Hello Ada"
assert load(f"prompts:/{NAME}/2").format(name="Ada") == "Good day Ada"
assert NAME not in {one.name for one in mlflow.MlflowClient().search_registered_models()}
