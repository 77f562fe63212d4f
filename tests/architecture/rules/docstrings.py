"""What has to say what it promises: modules, public classes, the methods of interfaces. Overrides inherit theirs."""

import ast
from collections.abc import Iterator

from tests.architecture.rules.source import Function, Module, is_protocol, is_public


def undocumented(tree: list[Module]) -> dict[str, str]:
    """Everything without the docstring it owes, by path or ``path::name``."""
    return {where: "has no docstring" for module in tree if not module.is_empty for where in _undocumented(module)}


def _undocumented(module: Module) -> Iterator[str]:
    if ast.get_docstring(module.tree) is None:
        yield module.where
    functions = {node for _, node in module.functions()}
    local = {id(inner) for function in functions for inner in ast.walk(function) if isinstance(inner, ast.ClassDef)}
    for name, node in module.classes():
        if id(node) in local or not is_public(name):
            continue
        if ast.get_docstring(node) is None:
            yield f"{module.where}::{name}"
        if is_protocol(node):
            yield from (f"{module.where}::{name}.{method}" for method in _undocumented_methods(node))


def _undocumented_methods(protocol: ast.ClassDef) -> Iterator[str]:
    for node in protocol.body:
        if isinstance(node, Function) and not node.name.startswith("__") and ast.get_docstring(node) is None:
            yield node.name
