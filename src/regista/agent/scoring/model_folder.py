"""Where a script finds the model's files: as Azure ML lays them out, and as they are.

    AZUREML_MODEL_DIR/
    ├── model -> …/             the folder that was registered, under its own name
    └── MLmodel -> …/MLmodel    and what is in it, for scripts that look there

A model that was registered from the folder ``model`` is at ``$AZUREML_MODEL_DIR/model/…``, one from a single file at
``$AZUREML_MODEL_DIR/FILE`` (learn.microsoft.com, "Deploy machine learning models to online endpoints"). Where the folder
holds something of its own name, the folder it is.
"""

from pathlib import Path


def laid_out(model: Path, folder: str, place: Path) -> Path:
    """A folder below *place* through which *model* is found both ways; *model* itself where it has no *folder* name."""
    if not folder or folder in {".", ".."} or "/" in folder or "\0" in folder:
        return model
    root = place / "azureml-models"
    root.mkdir()
    (root / folder).symlink_to(model, target_is_directory=True)
    for inner in model.iterdir():
        if inner.name != folder:
            (root / inner.name).symlink_to(inner)
    return root
