"""Start a scoring worker by path (``python .../scoring/__main__.py --config FILE``) in an interpreter without Regista."""

import importlib
import importlib.util
import sys
from pathlib import Path

ALIAS = "_regista_scoring"


def load_program() -> "object":
    """The ``program`` module, loaded under a private name; leaves this folder off ``sys.path``."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
    spec = importlib.util.spec_from_file_location(ALIAS, here / "__init__.py", submodule_search_locations=[str(here)])
    if spec is None or spec.loader is None:  # pragma: no cover - the file is beside this one
        sys.exit("the scoring worker is incomplete: __init__.py is missing")
    package = importlib.util.module_from_spec(spec)
    sys.modules[ALIAS] = package
    spec.loader.exec_module(package)
    return importlib.import_module(ALIAS + ".program")


if __name__ == "__main__":
    sys.exit(load_program().main(sys.argv[1:]))  # type: ignore[attr-defined]
