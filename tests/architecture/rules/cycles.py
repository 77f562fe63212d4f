"""Siblings that import each other. Imports inside functions count: they hide a cycle, they do not end it."""

import ast
from collections.abc import Iterator

from tests.architecture.rules.source import Module

Graph = dict[str, set[str]]


def import_cycles(tree: list[Module]) -> list[str]:
    """Every group of siblings (modules or packages of one package) that reach each other by imports.

    Imports below ``if TYPE_CHECKING`` are left out: nothing runs through them."""
    return [
        f"{package}: {' <-> '.join(group)} import each other; move what both need inwards"
        for package, graph in sorted(_sibling_graphs(tree).items())
        for group in _knots(graph)
    ]


def _sibling_graphs(tree: list[Module]) -> dict[str, Graph]:
    names = {module.name for module in tree}
    graphs: dict[str, Graph] = {}
    for module in tree:
        for target in _imported(module, names):
            package, source, sibling = _fork(module.name, target)
            if source != sibling:
                graphs.setdefault(package, {}).setdefault(source, set()).add(sibling)
    return graphs


def _fork(source: str, target: str) -> tuple[str, str, str]:
    """The package in which two modules part, and the sibling on each side; ``__init__`` stands for the package itself.

    A package that imports its own modules is no sibling of theirs, yet a module that imports its package is caught in
    a cycle as soon as the package imports the module."""
    ours, theirs = source.split("."), target.split(".")
    shared = 0
    while shared < min(len(ours), len(theirs)) and ours[shared] == theirs[shared]:
        shared += 1
    mine = ours[shared] if shared < len(ours) else "__init__"
    other = theirs[shared] if shared < len(theirs) else "__init__"
    return ".".join(ours[:shared]), mine, other


def _imported(module: Module, names: set[str]) -> Iterator[str]:
    """The modules of the tree that *module* imports, as exactly as the import says."""
    for node in _running_nodes(module.tree):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            candidates = [f"{origin}.{alias.name}" for alias in node.names]
        else:
            continue
        for candidate in candidates:
            found = candidate if candidate in names else candidate.rpartition(".")[0]
            if found in names and found != module.name:
                yield found


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.name.split(".")
    package = parts if module.is_package else parts[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def _running_nodes(parent: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(parent):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for other in node.orelse:
                yield other
                yield from _running_nodes(other)
            continue
        yield node
        yield from _running_nodes(node)


def _knots(graph: Graph) -> list[list[str]]:
    """Groups of two or more that all reach each other, each sorted."""
    reach = {node: _reachable(graph, node) for node in graph}
    groups = {tuple(sorted(other for other in reach[node] if node in reach.get(other, ()))) for node in graph}
    return [list(group) for group in sorted(groups) if len(group) > 1]


def _reachable(graph: Graph, start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for node in graph.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found
