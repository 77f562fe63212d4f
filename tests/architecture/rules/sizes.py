"""How long files, functions and interfaces may be. A docstring costs a function nothing."""

import ast
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.architecture.rules.source import Function, Module, is_protocol


@dataclass(frozen=True)
class Limits:
    """The shape to hold: most are small, few are middling, none is large."""

    median: int
    p90: int
    ceiling: int


FILE_LINES = Limits(median=150, p90=350, ceiling=500)
FUNCTION_LINES = Limits(median=8, p90=30, ceiling=60)
PROTOCOL_METHODS = 12
MARKER_LINES = 5
"""A file of so few lines marks a place; counting it would flatter the median."""


def function_lines(node: Function) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def percentile_90(values: Sequence[int]) -> int:
    return sorted(values)[min(len(values) - 1, int(0.9 * len(values)))]


def files_out_of_shape(tree: list[Module]) -> list[str]:
    counted = [lines for module in tree if (lines := len(module.text.splitlines())) > MARKER_LINES]
    return list(_out_of_shape("files", counted, FILE_LINES))


def functions_out_of_shape(tree: list[Module]) -> list[str]:
    counted = [function_lines(node) for module in tree for _, node in module.functions()]
    return list(_out_of_shape("functions", counted, FUNCTION_LINES))


def _out_of_shape(what: str, counted: Sequence[int], limits: Limits) -> Iterator[str]:
    if not counted:
        return
    if (median := statistics.median(counted)) > limits.median:
        yield f"half of the {what} have more than {median:.0f} lines (at most {limits.median})"
    if (p90 := percentile_90(counted)) > limits.p90:
        yield f"a tenth of the {what} have {p90} lines or more (at most {limits.p90})"


def long_files(tree: list[Module]) -> dict[str, str]:
    """Files over the ceiling, by their path."""
    return {
        module.where: f"{lines} lines (at most {FILE_LINES.ceiling}): split it by noun"
        for module in tree
        if (lines := len(module.text.splitlines())) > FILE_LINES.ceiling
    }


def long_functions(tree: list[Module]) -> dict[str, str]:
    """Functions over the ceiling, by ``path::name``."""
    return {
        f"{module.where}::{name}": f"{lines} lines (at most {FUNCTION_LINES.ceiling}): give its parts names"
        for module in tree
        for name, node in module.functions()
        if (lines := function_lines(node)) > FUNCTION_LINES.ceiling
    }


def wide_protocols(tree: list[Module]) -> dict[str, str]:
    """Interfaces with too many methods, by ``path::name``; dunder methods do not count."""
    counts = {
        f"{module.where}::{name}": sum(
            isinstance(node, Function) and not node.name.startswith("__") for node in protocol.body
        )
        for module in tree
        for name, protocol in module.classes()
        if is_protocol(protocol)
    }
    return {
        where: f"{count} methods (at most {PROTOCOL_METHODS}): part it by what its users need"
        for where, count in counts.items()
        if count > PROTOCOL_METHODS
    }
