"""Carrying a pipeline on: a pure function of its rows, so that it can be called at any time, by anybody, any number of times.

    for each step without a job whose sources have all completed:  make its job, bind its inputs, offer it or reuse a result
    when no step runs and none can be made any more:               collect the outputs, end, tell the parent

A step whose source failed is never made. With ``continue_on_step_failure: false`` the first failure stops the others.
"""

import msgspec

from regista.entities.binding import NodeOutput, ParentOutput
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.names import now
from regista.interfaces.catalog import Transaction
from regista.services.jobs.ends import tell_end
from regista.services.jobs.lineage import add_edges
from regista.services.jobs.plans import PipelinePlan, StepPlan, pipeline_plan
from regista.services.jobs.steps import make_step

_FAILED = {JobStatus.FAILED, JobStatus.CANCELED}


def advance(tx: Transaction, job: Job) -> Job:
    """Do whatever can be done now for the pipeline *job*, and return it as it stands then."""
    if job.status.is_final:
        return job
    plan, at = pipeline_plan(job), now()
    steps = {step.node: step for step in tx.jobs.children(job.scope_id, job.name)}
    if job.status is not JobStatus.RUNNING:
        job = msgspec.structs.replace(job, status=JobStatus.RUNNING, started_at=at, updated_at=at)
        tx.jobs.put(job)
    if _is_stopped(job, plan, steps):
        for name, step in steps.items():
            steps[name] = request_cancel(tx, step, at)
    else:
        _make_steps(tx, job, plan, steps)
    if all(step.status.is_final for step in steps.values()):
        return _end(tx, job, plan, steps)
    return job


def _is_stopped(job: Job, plan: PipelinePlan, steps: dict[str, Job]) -> bool:
    if job.cancel_requested:
        return True
    return not plan.settings.continue_on_step_failure and any(step.status in _FAILED for step in steps.values())


def _make_steps(tx: Transaction, job: Job, plan: PipelinePlan, steps: dict[str, Job]) -> None:
    """Make what is ready, again and again: a reused step is done at once and lets the next ones go."""
    waiting = {name: step for name, step in plan.jobs.items() if name not in steps}
    progress = True
    while progress and not _is_stopped(job, plan, steps):
        ready = [name for name, step in waiting.items() if all(_is_done(steps, source) for source in sources(step))]
        for name in ready:
            steps[name] = make_step(tx, job, plan, name, waiting.pop(name), steps)
        progress = any(steps[name].status.is_final for name in ready)


def sources(step: StepPlan) -> set[str]:
    """The steps whose outputs *step* reads."""
    return {bound.node for bound in step.bound.values() if isinstance(bound, NodeOutput)}


def _is_done(steps: dict[str, Job], name: str) -> bool:
    return name in steps and steps[name].status is JobStatus.COMPLETED


def _end(tx: Transaction, job: Job, plan: PipelinePlan, steps: dict[str, Job]) -> Job:
    status, error = _outcome(job, plan, steps)
    at = now()
    job = msgspec.structs.replace(
        job,
        status=status,
        error=error,
        outputs=_outputs(plan, steps),
        ended_at=at,
        updated_at=at,
    )
    tx.jobs.put(job)
    add_edges(tx, job, at)
    tell_end(tx, job)
    return job


def _outcome(job: Job, plan: PipelinePlan, steps: dict[str, Job]) -> tuple[JobStatus, str]:
    if job.cancel_requested:
        return JobStatus.CANCELED, ""
    failed = [name for name in plan.jobs if name in steps and steps[name].status in _FAILED]
    if not failed:
        return JobStatus.COMPLETED, ""
    first = next((steps[name] for name in failed if steps[name].status is JobStatus.FAILED), steps[failed[0]])
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return JobStatus.FAILED, f"step {first.node!r} {first.status.lower()}{more}: {first.error or 'it was canceled'}"


def _outputs(plan: PipelinePlan, steps: dict[str, Job]) -> dict[str, Binding]:
    """The pipeline's outputs: those of the steps that make them, as far as they were made."""
    found = {}
    for node, step in plan.jobs.items():
        for name, output in step.outputs.items():
            if isinstance(output.binding, ParentOutput) and node in steps and name in steps[node].outputs:
                found[output.binding.name] = steps[node].outputs[name]
    return {name: binding for name, binding in found.items() if name in plan.outputs}


def request_cancel(tx: Transaction, job: Job, at: int) -> Job:
    """Have *job* end as canceled, with everything below it: at once when it waits, else when its worker notices."""
    if job.status.is_final or job.cancel_requested:
        return job
    waits = job.type is JobType.COMMAND and job.status in {JobStatus.NOT_STARTED, JobStatus.QUEUED}
    status = JobStatus.CANCELED if waits or job.type is JobType.RUN else job.status
    job = msgspec.structs.replace(
        job, cancel_requested=True, status=status, ended_at=at if status.is_final else None, updated_at=at
    )
    tx.jobs.put(job)
    if job.type is JobType.PIPELINE:
        for step in tx.jobs.children(job.scope_id, job.name):
            request_cancel(tx, step, at)
        tx.leases.offer(job.id)
    if status.is_final:
        tell_end(tx, job)
    return job
