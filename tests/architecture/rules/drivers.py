"""Every driver runs the suite of the interface it implements."""

import ast
from pathlib import Path

from tests.architecture.rules.source import Module, base_names, is_protocol, is_public, modules


def protocols(package: Path) -> set[str]:
    """The names of the interfaces in ``interfaces/``."""
    return {name for module in modules(package / "interfaces") for name, node in module.classes() if is_protocol(node)}


def driver_classes(package: Path) -> dict[str, str]:
    """Public classes below ``drivers/`` that are named after an interface, with the interface: ``LocalBlobStore``."""
    known = sorted(protocols(package), key=len, reverse=True)
    found = {}
    for module in modules(package / "drivers"):
        for name, node in module.classes():
            implemented = next((protocol for protocol in known if name.endswith(protocol)), None)
            if implemented and is_public(name) and not is_protocol(node):
                found[name] = implemented
    return found


def unchecked_drivers(package: Path, tests: Path) -> dict[str, str]:
    """Drivers that no test class derived from a contract is about, by class name.

    Such a class stands in a module of *tests* that names the driver in its code (an import alone is not enough). Where
    the interface has a contract of its own name (``BlobStoreContract``) no other contract will do."""
    contracts = {name for module in modules(package / "conformance") for name, _ in module.classes()}
    suites = [(_contracts_of(module), _names_used(module)) for module in modules(tests)]
    missing = {}
    for driver, protocol in driver_classes(package).items():
        own = f"{protocol}Contract"
        wanted = own if own in contracts else "Contract"
        if not any(driver in used and any(base.endswith(wanted) for base in bases) for bases, used in suites):
            missing[driver] = f"no class in {tests.name} that derives from {own} is about it"
    return missing


def _contracts_of(module: Module) -> set[str]:
    return {base for _, node in module.classes() for base in base_names(node) if base.endswith("Contract")}


def _names_used(module: Module) -> set[str]:
    used = {node.id for node in ast.walk(module.tree) if isinstance(node, ast.Name)}
    return used | {node.attr for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}
