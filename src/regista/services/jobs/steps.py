"""Making the job of one step of a pipeline: what its inputs come to, what its outputs are to become."""

import msgspec

from regista.entities.binding import NodeOutput, ParentInput, ParentOutput, PipelineBinding
from regista.entities.digest import Digest
from regista.entities.documents.inputs import InputSpec, check_value
from regista.entities.documents.outputs import OutputSpec
from regista.entities.graph import bound_type
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.names import new_id, now
from regista.errors import InvalidError, RegistaError
from regista.interfaces.catalog import Transaction
from regista.services.jobs.ends import note_end
from regista.services.jobs.lineage import add_edges
from regista.services.jobs.plans import RIGHTS, CommandPlan, PipelinePlan, Plan, StepPlan, encode_plan
from regista.services.jobs.resolution import merged_output
from regista.services.jobs.reuse import find_reusable, reuse_key, reused

_NAME_LIMIT = 255


def make_step(
    tx: Transaction, parent: Job, whole: PipelinePlan, name: str, step: StepPlan, done: dict[str, Job]
) -> Job:
    """Add the job of step *name*: queued and offered, or completed at once out of an earlier result, or failed when its
    inputs cannot be bound."""
    plan = _plan(whole, step)
    job = _drafted(tx, parent, whole, name, step, plan)
    try:
        job = msgspec.structs.replace(job, inputs=_bind(parent, plan, step, done))
    except RegistaError as wrong:
        job = msgspec.structs.replace(job, status=JobStatus.FAILED, error=wrong.message, ended_at=job.created_at)
    if isinstance(plan, CommandPlan) and not job.status.is_final:
        key = reuse_key(plan, job.inputs, _lock(tx, plan))
        job = msgspec.structs.replace(job, reuse_key=key)
        if earlier := find_reusable(tx, job):
            job = reused(job, earlier, job.created_at)
    tx.jobs.add(job)
    if step.tags:
        tx.runs.set_tags(job.id, step.tags)
    if job.status.is_final:
        add_edges(tx, job, job.created_at)
        note_end(tx, job)
    else:
        tx.leases.offer(job.id)
    return job


def _drafted(tx: Transaction, parent: Job, whole: PipelinePlan, name: str, step: StepPlan, plan: Plan) -> Job:
    at = now()
    is_command = isinstance(plan, CommandPlan)
    inherited = {key: parent.properties[key] for key in (RIGHTS,) if key in parent.properties}
    return Job(
        id=new_id(),
        scope_id=parent.scope_id,
        name=_name(tx, parent, name),
        type=JobType.COMMAND if is_command else JobType.PIPELINE,
        status=JobStatus.QUEUED,
        display_name=step.display_name or name,
        experiment=parent.experiment,
        description=step.description,
        properties=step.properties | inherited,
        compute=step.compute or whole.settings.default_compute or parent.compute,
        spec=encode_plan(plan),
        parent=parent.name,
        node=name,
        root=parent.root or parent.name,
        code=plan.code.manifest if isinstance(plan, CommandPlan) and plan.code else None,
        created_at=at,
        created_by=parent.created_by,
        queued_at=at,
        updated_at=at,
    )


def _name(tx: Transaction, parent: Job, node: str) -> str:
    """A name that tells where it belongs; one that nobody has."""
    name = f"{parent.name}_{node}"
    taken = len(name) > _NAME_LIMIT or tx.jobs.find(parent.scope_id, name) is not None
    return new_id() if taken else name


def _plan(whole: PipelinePlan, step: StepPlan) -> Plan:
    """The step's plan with what the node and the pipeline around it say: outputs to be registered, nothing reused."""
    outputs = {}
    for name, shown in step.plan.outputs.items():
        said = step.outputs.get(name)
        outer = _outer(whole, said)
        inner = merged_output(shown, outer) if outer else shown
        outputs[name] = merged_output(inner, said) if said else inner
    plan = msgspec.structs.replace(step.plan, outputs=outputs)
    if not whole.settings.force_rerun:
        return plan
    if isinstance(plan, CommandPlan):
        return msgspec.structs.replace(plan, force_rerun=True)
    return msgspec.structs.replace(plan, settings=msgspec.structs.replace(plan.settings, force_rerun=True))


def _outer(whole: PipelinePlan, said: OutputSpec | None) -> OutputSpec | None:
    """The output of the pipeline that the node's output becomes."""
    bound = said.binding if said else None
    return whole.outputs.get(bound.name) if isinstance(bound, ParentOutput) else None


def _bind(parent: Job, plan: Plan, step: StepPlan, done: dict[str, Job]) -> dict[str, Binding]:
    inputs = dict(step.given)
    for name, bound in step.bound.items():
        wanted = plan.inputs.get(name, InputSpec())
        mode = step.modes.get(name) or wanted.mode
        found = _found(parent, bound, done)
        if found is not None:
            inputs[name] = _fitted(found, wanted, mode, name)
        elif wanted.default is not None:
            inputs[name] = Binding(type=wanted.type, value=check_value(wanted, wanted.default, where=name))
    return inputs


def _found(parent: Job, bound: PipelineBinding, done: dict[str, Job]) -> Binding | None:
    if isinstance(bound, ParentInput):
        return parent.inputs.get(bound.name)
    if not isinstance(bound, NodeOutput):
        return None
    found = done[bound.node].outputs.get(bound.name)
    if found is None or found.manifest is None:
        raise InvalidError(f"step {bound.node!r} did not write its output {bound.name!r}")
    return found


def _fitted(found: Binding, wanted: InputSpec, mode: str, name: str) -> Binding:
    """What was found, as the input that it becomes."""
    if found.value is not None:
        value = check_value(wanted, found.value, where=f"inputs.{name}")
        return Binding(type=wanted.type or found.type, value=value)
    return msgspec.structs.replace(found, type=bound_type(wanted.type, found.type), mode=mode)


def _lock(tx: Transaction, plan: CommandPlan) -> Digest | None:
    """The environment's lock, when it has one already."""
    scope_id, kind, name, version = plan.environment.version
    found = tx.versions.find(scope_id, kind, name, version, deleted=True)
    return found.lock if found else None
