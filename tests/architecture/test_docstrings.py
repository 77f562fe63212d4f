"""What promises something says what."""

from tests.architecture.rules.docstrings import undocumented
from tests.architecture.rules.exceptions import judged
from tests.architecture.rules.source import modules

SILENT: dict[str, str] = {}
"""Path or ``path::name`` below src/regista -> why it needs no docstring."""


def test_everything_in_regista_that_owes_a_docstring_has_one(tree):
    assert judged(undocumented(tree), SILENT) == []


class TestPlantedFaults:
    def found(self, plant, text):
        return list(undocumented(modules(plant({"a.py": text}))))

    def test_a_module_without_a_docstring_is_found(self, plant):
        assert self.found(plant, "x = 1\n") == ["a.py"]

    def test_an_empty_module_owes_nothing(self, plant):
        assert self.found(plant, "") == []

    def test_a_package_that_says_something_owes_a_docstring_too(self, plant):
        assert list(undocumented(modules(plant({"__init__.py": "x = 1\n"})))) == ["__init__.py"]

    def test_a_public_class_is_found_also_inside_another_one(self, plant):
        text = '"""M."""\nclass A:\n    """A."""\n    class B:\n        pass\nclass C:\n    pass\n'
        assert self.found(plant, text) == ["a.py::A.B", "a.py::C"]

    def test_private_classes_and_those_inside_functions_owe_nothing(self, plant):
        text = '"""M."""\nclass _A:\n    class B:\n        pass\ndef f():\n    class C:\n        pass\n'
        assert self.found(plant, text) == []

    def test_a_silent_method_of_an_interface_is_found_and_that_of_a_driver_is_not(self, plant):
        text = '"""M."""\nimport typing\nclass A(typing.Protocol):\n    """A."""\n    def f(self): ...\n'
        text += '    def __enter__(self): ...\nclass B(A):\n    """B."""\n    def f(self): ...\n'
        assert self.found(plant, text) == ["a.py::A.f"]
