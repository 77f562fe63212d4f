"""A job as the SDK reads it, whichever door it came through: command, pipeline, step, or a run that a script opened."""

from typing import Any

from regista.dialects.azureml.call import Json
from regista.dialects.azureml.durations import duration
from regista.dialects.azureml.jobs.kept import Kept, KeptNode, kept_of, shown
from regista.dialects.azureml.jobs.spelling import DISTRIBUTIONS, INPUT_MODES, OUTPUT_MODES
from regista.dialects.azureml.jobs.view import View
from regista.dialects.azureml.render import resource, system_data
from regista.entities.documents.command import Distribution, Resources
from regista.entities.documents.outputs import OutputSpec
from regista.entities.documents.pipeline import PipelineSettings
from regista.entities.job import Binding, Job
from regista.services.jobs.places import datastore_path, said_path
from regista.services.jobs.plans import CommandPlan, PipelinePlan, StepPlan, decode_plan

REUSED = "azureml.isreused"
REUSED_JOB = "azureml.reusedrunid"


def rendered(view: View, job: Job, tags: dict[str, str]) -> Json:
    """The resource of a job."""
    kept = kept_of(job)
    plan = decode_plan(job.spec) if job.spec else None
    work = _pipeline(view, job, plan, kept) if isinstance(plan, PipelinePlan) else _command(view, job, plan, kept)
    host = view.call.base.partition("://")[2]
    properties: Json = {
        **work,
        "displayName": job.display_name,
        "description": job.description or None,
        "tags": tags,
        "properties": properties_of(job),
        "experimentName": view.experiment(job),
        "computeId": view.compute_id(job.compute),
        "status": status_of(job),
        "isArchived": job.archived,
        "services": {
            "Tracking": {"jobServiceType": "Tracking", "endpoint": f"azureml://{host}/mlflow/v1.0{view.id}"},
        },
        **{key: value for key, value in kept.raw.items() if key != "settings"},
    }
    made = system_data(job.created_at, job.created_by, job.updated_at)
    return resource(view.job_id(job.name), job.name, "workspaces/jobs", properties, systemData=made)


def status_of(job: Job) -> str:
    """The state of a job; one that has been told to end says so."""
    return "CancelRequested" if job.cancel_requested and not job.status.is_final else str(job.status)


def properties_of(job: Job) -> dict[str, str]:
    """The properties of a job, and what Azure says there of steps and of results that were used again."""
    found = shown(job.properties)
    if job.node:
        found |= {"azureml.nodeid": job.node, "azureml.pipelinerunid": job.root or job.parent}
    if job.reused_from:
        found |= {REUSED: "true", REUSED_JOB: job.reused_from}
    return found


def _command(view: View, job: Job, plan: CommandPlan | None, kept: Kept) -> Json:
    if plan is None:
        return {"jobType": "Command", "command": "", "inputs": {}, "outputs": {}}
    return {
        "jobType": "Command",
        "command": plan.command,
        "codeId": view.code_id(plan.code),
        "environmentId": view.source_id(plan.environment),
        "environmentVariables": plan.environment_variables,
        "inputs": inputs(view, job.inputs, kept),
        "outputs": outputs(view, job, plan.outputs),
        "distribution": _distribution(plan.distribution),
        "resources": _resources(plan.resources),
        "limits": {"jobLimitsType": "Command", "timeout": duration(1000 * plan.timeout)} if plan.timeout else None,
        "parameters": {},
    }


def _pipeline(view: View, job: Job, plan: PipelinePlan, kept: Kept) -> Json:
    nodes = {} if plan.component else plan.jobs
    names = kept.names
    return {
        "jobType": "Pipeline",
        "componentId": view.source_id(plan.component),
        "jobs": {
            name: _node(view, job, name, step, names, kept.jobs.get(name) or KeptNode()) for name, step in nodes.items()
        },
        "inputs": inputs(view, job.inputs, kept),
        "outputs": outputs(view, job, plan.outputs),
        "settings": {**_settings(view, plan.settings), **kept.raw.get("settings", {})},
    }


def inputs(view: View, given: dict[str, Binding], kept: Kept | KeptNode) -> Json:
    """Inputs with what they came to."""
    names = kept.names if isinstance(kept, Kept) else {}
    return {names.get(name, name): _input(view, one, kept.uris.get(name, "")) for name, one in given.items()}


def _input(view: View, one: Binding, uri: str) -> Json:
    if one.value is not None:
        return {"jobInputType": "literal", "value": one.value}
    mode = INPUT_MODES.get(one.mode)
    return {
        "jobInputType": one.type or "uri_folder",
        "uri": uri or view.reference_id(one.reference),
        **({"mode": mode} if mode else {}),
    }


def outputs(view: View, job: Job, declared: dict[str, OutputSpec]) -> Json:
    """Outputs with where they are. One that is called ``default`` is left out: the SDK would take it for its logs."""
    return {name: _output(view, job, name, one) for name, one in declared.items() if name != "default"}


def _output(view: View, job: Job, name: str, spec: OutputSpec) -> Json:
    binding = job.outputs.get(name)
    asset, version = view.registered(binding)
    left = binding is not None and binding.manifest is not None
    kept = view.output_uri(job, name) if left and not datastore_path(spec) else said_path(spec, job.name, name)
    found: Json = {
        "jobOutputType": spec.type or "uri_folder",
        "mode": OUTPUT_MODES.get(spec.mode, "ReadWriteMount"),
        "uri": kept or None,
        "assetName": spec.name or asset or None,
        "assetVersion": version or spec.version or None,
        "description": spec.description or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _node(view: View, job: Job, name: str, step: StepPlan, names: dict[str, str], kept: KeptNode) -> Json:
    plan = step.plan
    node: Json = {
        "name": name,
        "type": "pipeline" if isinstance(plan, PipelinePlan) else "command",
        "componentId": view.source_id(plan.component) or view.inline_id(job, name),
        "computeId": view.compute_id(step.compute),
        "display_name": step.display_name or None,
        "description": step.description or None,
        "tags": step.tags,
        "properties": shown(step.properties),
        "inputs": _node_inputs(view, step, names, kept),
        "outputs": {output: _node_output(one) for output, one in step.outputs.items()},
    }
    if isinstance(plan, CommandPlan):
        node |= _node_command(plan)
    return {key: value for key, value in (node | kept.raw).items() if value is not None}


def _node_command(plan: CommandPlan) -> Json:
    kind = plan.distribution
    return {
        "environment_variables": plan.environment_variables or None,
        "resources": _snake(_resources(plan.resources)),
        "distribution": _snake(_distribution(kind)) | {"type": DISTRIBUTIONS[kind.type]} if kind else None,
        "limits": {"job_limits_type": "Command", "timeout": duration(1000 * plan.timeout)} if plan.timeout else None,
    }


def _node_inputs(view: View, step: StepPlan, names: dict[str, str], kept: KeptNode) -> Json:
    found: Json = {}
    for name, one in step.given.items():
        shown_input = _input(view, one, kept.uris.get(name, ""))
        found[name] = {_SNAKE.get(key, key): value for key, value in shown_input.items()}
    for name, bound in step.bound.items():
        text = str(bound)
        for here, given in names.items():
            text = text.replace(f"parent.inputs.{here}}}", f"parent.inputs.{given}}}")
        mode = INPUT_MODES.get(step.modes.get(name, ""))
        found[name] = {"job_input_type": "literal", "value": text, **({"mode": mode} if mode else {})}
    return found


def _node_output(one: OutputSpec) -> Json:
    mode = OUTPUT_MODES.get(one.mode)
    if one.binding is not None:
        return {"type": "literal", "value": str(one.binding), **({"mode": mode} if mode else {})}
    found = {
        "job_output_type": one.type or "uri_folder",
        "mode": mode,
        "uri": one.path or None,
        "assetName": one.name or None,
        "assetVersion": one.version or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _settings(view: View, settings: PipelineSettings) -> Json:
    found = {
        "default_compute": view.compute_id(settings.default_compute),
        "default_datastore": settings.default_datastore or None,
        "continue_on_step_failure": settings.continue_on_step_failure,
        "force_rerun": settings.force_rerun or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _distribution(one: Distribution | None) -> Any:
    if one is None:
        return None
    found: Json = {"distributionType": DISTRIBUTIONS[one.type]}
    if one.type in {"pytorch", "mpi"}:
        found["processCountPerInstance"] = one.process_count_per_instance
    if one.type == "tensorflow":
        found |= {"workerCount": one.worker_count or 1, "parameterServerCount": one.parameter_server_count}
    return found


def _resources(one: Resources | None) -> Any:
    if one is None:
        return None
    return {
        "instanceCount": one.instance_count,
        "instanceType": one.instance_type or None,
        "maxInstanceCount": one.max_instance_count,
        "shmSize": one.shm_size or None,
        "properties": one.properties,
    }


_SNAKE = {
    "jobInputType": "job_input_type",
    "distributionType": "distribution_type",
    "processCountPerInstance": "process_count_per_instance",
    "workerCount": "worker_count",
    "parameterServerCount": "parameter_server_count",
    "instanceCount": "instance_count",
    "instanceType": "instance_type",
    "maxInstanceCount": "max_instance_count",
    "shmSize": "shm_size",
}


def _snake(found: Json | None) -> Json:
    return {_SNAKE.get(key, key): value for key, value in (found or {}).items() if value is not None}
