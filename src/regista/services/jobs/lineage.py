"""The edges of the lineage that a finished job leaves: what it consumed, what it produced, of which pipeline it is a step."""

from collections.abc import Iterator

from regista.entities.job import Job, JobType
from regista.entities.lineage import Edge, EdgeType
from regista.interfaces.catalog import Transaction
from regista.services.jobs.plans import CommandPlan, Plan, decode_plan, job_node


def add_edges(tx: Transaction, job: Job, at: int) -> None:
    """Write the edges of a job that has ended; again changes nothing."""
    if job.type is not JobType.RUN:
        tx.lineage.add(list(edges_of(job, decode_plan(job.spec), at)))


def edges_of(job: Job, plan: Plan, at: int) -> Iterator[Edge]:
    """The edges of a job with the inputs and outputs that it has."""
    me = job_node(job.scope_id, job.name)
    for role, source in _consumed(job, plan):
        yield Edge(source=source, target=me, type=EdgeType.CONSUMED, role=role, created_at=at)
    for name, binding in job.outputs.items():
        if binding.node.startswith("version:") and not job.reused_from:
            yield Edge(source=me, target=binding.node, type=EdgeType.PRODUCED, role=f"output:{name}", created_at=at)
    if job.parent:
        whole = job_node(job.scope_id, job.parent)
        yield Edge(source=me, target=whole, type=EdgeType.CONTAINS, role=f"step:{job.node}", created_at=at)


def _consumed(job: Job, plan: Plan) -> Iterator[tuple[str, str]]:
    """Role and node of everything that went into the job."""
    for name, binding in job.inputs.items():
        if binding.node:
            yield from ((f"input:{name}", node) for node in (binding.node, *binding.others))
    if isinstance(plan, CommandPlan):
        yield "environment", plan.environment.node
        if plan.code:
            yield "code", plan.code.node
    if plan.component:
        yield "component", plan.component.node
    if job.reused_from:
        yield "reused", job_node(job.scope_id, job.reused_from)
