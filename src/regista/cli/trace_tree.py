"""A trace as a tree for people: what is asked for at the top, what led to it (or came of it) below.

model churn:3 in registry central
`-- promoted_from: model churn:3 in workspace dev (capsule)
    `-- produced: job train-7 [Completed] in workspace dev (capsule)
        metrics  auc=0.91
        code     sha256:0a1b2c3d4e5f
"""

from collections.abc import Container, Iterator

import msgspec

from regista.cli.frame import amount, moment, place, printable
from regista.entities.asset import ANONYMOUS
from regista.entities.capsule import JobRecord, VersionRecord
from regista.entities.lineage import Edge, EdgeType
from regista.entities.trace import Completeness, DeploymentRecord, Trace, TraceNode

_SHORT = 19
_MOST_VALUES = 20


class Branch(msgspec.Struct):
    """A node of the tree: its title, lines about it, and what is below."""

    title: str
    facts: list[str]
    below: list["Branch"] = []


def tree_of(trace: Trace, *, log_lines: int = 0) -> Branch:
    """The trace as a tree. A node that several lead to is told in full where it is met first, by its title elsewhere."""
    nodes = {one.node: one for one in trace.nodes}
    edges: dict[str, list[Edge]] = {}
    for edge in trace.edges:
        edges.setdefault(edge.target if trace.upstream else edge.source, []).append(edge)
    return _branch(nodes, edges, trace.start, "", trace.upstream, log_lines, set())


def _branch(
    nodes: dict[str, TraceNode],
    edges: dict[str, list[Edge]],
    name: str,
    how: str,
    upstream: bool,
    log_lines: int,
    told: set[str],
) -> Branch:
    node = nodes[name]
    title = printable(f"{how}: {title_of(node)}" if how else title_of(node))
    if name in told:
        has_more = bool(edges.get(name)) or node.job is not None
        return Branch(f"{title} (above)" if has_more else title, [])
    told.add(name)
    branch = Branch(title, [printable(fact) for fact in facts_of(node, log_lines, nodes)])
    for edge in edges.get(name, ()):
        other = edge.source if upstream else edge.target
        if other in nodes:
            branch.below.append(_branch(nodes, edges, other, relation(edge, upstream), upstream, log_lines, told))
    return branch


def relation(edge: Edge, upstream: bool) -> str:
    """What the lower node is to the upper one, in words."""
    role = edge.role.replace(":", " ") if edge.role and edge.role != "output" else ""
    if edge.type is EdgeType.PROMOTED:
        return "promoted from" if upstream else "promoted to"
    if edge.type is EdgeType.CONTAINS:
        return (role or "step") if upstream else "step of"
    if edge.type is EdgeType.PRODUCED:
        return f"made by ({role})" if role and upstream else "made by" if upstream else "made"
    if edge.type is EdgeType.DEPLOYED:
        return role or ("serves" if upstream else "served by")
    return role or ("used" if upstream else "used by")


def title_of(node: TraceNode) -> str:
    """One line that names a node; marked where only a capsule tells of it."""
    mark = " (capsule)" if node.known == "capsule" else ""
    if node.version is not None:
        one = node.version
        name = f"{one.name} {one.version[:12]}" if one.name == ANONYMOUS else f"{one.name}:{one.version}"
        return f"{one.kind} {name} in {place(one.scope)}{mark}"
    if node.job is not None:
        job = node.job
        shown = f" {job.display_name!r}" if job.display_name and job.display_name != job.name else ""
        return f"job {job.name}{shown} [{job.status}] in {place(job.workspace)}{mark}"
    if node.deployment is not None:
        served = node.deployment
        where = place(served.workspace)
        return f"deployment {served.endpoint}/{served.name} (generation {served.generation}) in {where}{mark}"
    return node.node


def facts_of(node: TraceNode, log_lines: int = 0, told: Container[str] = ()) -> Iterator[str]:
    """What is known of a node, a line each; data that is a node in *told* has a place of its own in the tree."""
    if node.version is not None:
        yield from _version_facts(node.version)
    elif node.job is not None:
        yield from _job_facts(node.job, log_lines, told)
    elif node.deployment is not None:
        yield from _deployment_facts(node.deployment)


def _version_facts(one: VersionRecord) -> Iterator[str]:
    size = f", {amount(one.size)}" if one.size else ""
    if one.digest:
        yield f"content      {one.digest[:_SHORT]}{size}"
    yield from _when("made", one.created_at, one.created_by)


def _deployment_facts(one: DeploymentRecord) -> Iterator[str]:
    if one.state:
        yield f"state        {one.state}"
    yield from _when("deployed", one.created_at, one.created_by)


def _when(what: str, at: int | None, by: str) -> Iterator[str]:
    if at:
        yield f"{what:<12} {moment(at)}" + (f" by {by}" if by else "")


def _job_facts(job: JobRecord, log_lines: int, told: Container[str]) -> Iterator[str]:
    yield from _when("submitted", job.created_at, job.created_by)
    if job.started_at and job.ended_at:
        yield f"took         {(job.ended_at - job.started_at) / 1000:.1f} s"
    if job.step:
        yield f"step         {job.step} of pipeline {job.pipeline}"
    yield from _values("metrics", {name: _number(value) for name, value in job.metrics.items()})
    yield from _values("parameters", job.parameters)
    detail = job.detail
    if detail is None:
        yield "details      need the permission provenance/detail (or jobs/read where it ran)"
        return
    yield from (f"command      {line}" for line in detail.command.strip().splitlines()[:3])
    if detail.code:
        yield f"code         {detail.code[:_SHORT]}{_git(detail.git)}"
    elif detail.git:
        yield f"code         {_git(detail.git).strip()}"
    if detail.lock:
        yield f"environment  lock {detail.lock[:_SHORT]}"
    for one in job.sources:
        if one.role.startswith("input:") and one.node not in told:
            digest = f" {one.digest[:_SHORT]}" if one.digest else " (not versioned)"
            yield f"data         {one.role.removeprefix('input:')} = {one.reference or one.node}{digest}"
    yield from _log(detail.log_tail, log_lines)


def _values(title: str, values: dict[str, str]) -> Iterator[str]:
    if values:
        shown = [f"{name}={value}" for name, value in list(values.items())[:_MOST_VALUES]]
        more = f" and {len(values) - _MOST_VALUES} more" if len(values) > _MOST_VALUES else ""
        yield f"{title:<12} {', '.join(shown)}{more}"


def _number(value: float | None) -> str:
    return "NaN" if value is None else f"{value:.6g}"


def _git(git: dict[str, str]) -> str:
    commit = git.get("commit", "")[:12]
    dirty = " with changes that were not committed" if git.get("dirty", "").lower() == "true" else ""
    return f" (git {commit}{dirty})" if commit else ""


def _log(tail: str, lines: int) -> Iterator[str]:
    for number, line in enumerate(tail.rstrip().splitlines()[-lines:] if lines else ()):
        yield f"{'log' if number == 0 else '':<12} {line.expandtabs()}"


def plain_lines(branch: Branch, lead: str = "", below: str = "") -> Iterator[str]:
    """The tree in ASCII."""
    yield lead + branch.title
    rule = "|   " if branch.below else "    "
    yield from (f"{below}{rule}{fact}" for fact in branch.facts)
    for number, inner in enumerate(branch.below):
        last = number == len(branch.below) - 1
        yield from plain_lines(inner, below + ("`-- " if last else "|-- "), below + ("    " if last else "|   "))


def completeness_lines(found: Completeness, *, truncated: bool) -> Iterator[str]:
    """How much is known of what should be, and what is missing."""
    yield f"Known: {found.known} of {found.expected} facts ({found.share:.0%})." if found.expected else "Complete."
    yield from (f"  missing: {text}" for text in found.missing)
    if truncated:
        yield "  The graph goes on: it was cut at its largest size."
