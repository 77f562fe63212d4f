"""A Python tree as the rules see it: modules with their text and syntax."""

import ast
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module:
    """One file. ``where`` names it in complaints and in exceptions: its path below the tree, with slashes."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self.where = path.relative_to(root).as_posix()
        self.text = path.read_text()
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        self.is_package = path.name == "__init__.py"
        self.name = ".".join(parts[:-1] if self.is_package else parts)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=str(self.path))

    @property
    def is_empty(self) -> bool:
        """Whether the file states nothing: it only marks its place."""
        return not self.tree.body

    def definitions(self) -> Iterator[tuple[str, Definition]]:
        """Every class and function with its dotted name inside the module, outermost first."""
        yield from _definitions(self.tree, "")

    def classes(self) -> Iterator[tuple[str, ast.ClassDef]]:
        for name, node in self.definitions():
            if isinstance(node, ast.ClassDef):
                yield name, node

    def functions(self) -> Iterator[tuple[str, Function]]:
        for name, node in self.definitions():
            if not isinstance(node, ast.ClassDef):
                yield name, node


def _definitions(parent: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, Definition):
            name = f"{prefix}{node.name}"
            yield name, node
            yield from _definitions(node, f"{name}.")
        else:
            yield from _definitions(node, prefix)


def modules(root: Path) -> list[Module]:
    """Every module below the package folder *root*, in the order of their paths."""
    return [Module(path, root) for path in sorted(root.rglob("*.py")) if "__pycache__" not in path.parts]


def base_names(node: ast.ClassDef) -> list[str]:
    """The last words of a class's bases: ``BlobStoreContract`` for ``blobs.BlobStoreContract[Local]``."""
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return [
        base.attr if isinstance(base, ast.Attribute) else base.id
        for base in bases
        if isinstance(base, ast.Attribute | ast.Name)
    ]


def is_protocol(node: ast.ClassDef) -> bool:
    return "Protocol" in base_names(node)


def is_public(dotted: str) -> bool:
    """Whether no part of the name starts with an underscore."""
    return not any(part.startswith("_") for part in dotted.split("."))
