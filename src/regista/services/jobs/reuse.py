"""Taking an earlier result instead of running a step again: the key that names everything which decides the result.

Equal keys mean: the same command over the same code in the same locked environment, with inputs of the same content, the
same parameters and variables, and the same outputs to be made.
"""

from typing import Any

import msgspec

from regista.entities.asset import NO_FILES
from regista.entities.digest import Digest, digest_of, hex_of
from regista.entities.job import Binding, Job, JobStatus
from regista.interfaces.catalog import Transaction
from regista.services.jobs.places import datastore_path
from regista.services.jobs.plans import CommandPlan


def reuse_key(plan: CommandPlan, inputs: dict[str, Binding], lock: Digest | None) -> str:
    """The key, or "" when the result may not be used again or when something that decides it is not known yet."""
    if lock is None or plan.force_rerun or not plan.is_deterministic:
        return ""
    if any(datastore_path(output) for output in plan.outputs.values()):
        return ""  # others write to the path as well: what an earlier job left there may be gone
    if any(binding.value is None and binding.manifest is None for binding in inputs.values()):
        return ""
    named = [
        plan.command,
        plan.code.manifest if plan.code else NO_FILES,
        lock,
        plan.environment.node,
        plan.environment_variables,
        {name: _decisive(binding) for name, binding in inputs.items()},
        {name: [one.type, one.mode, one.name, one.version, one.path] for name, one in plan.outputs.items()},
        plan.distribution,
        plan.resources,
    ]
    return hex_of(digest_of(msgspec.json.encode(named, order="sorted")))


def _decisive(binding: Binding) -> list[Any]:
    """What of an input the command can see: where it came from only when the reference itself is handed over."""
    seen = binding.reference if binding.mode == "direct" else ""
    return [binding.type, binding.value, binding.manifest, binding.mode, seen]


def find_reusable(tx: Transaction, job: Job) -> Job | None:
    """The finished job whose result *job* may take; costs one SELECT."""
    return tx.jobs.find_reusable(job.scope_id, job.reuse_key) if job.reuse_key else None


def reused(job: Job, earlier: Job, at: int) -> Job:
    """*job*, done without running, with the outputs of *earlier*."""
    return msgspec.structs.replace(
        job,
        status=JobStatus.COMPLETED,
        outputs=earlier.outputs,
        log=earlier.log,
        lock=earlier.lock,
        reused_from=earlier.name,
        properties=job.properties | {"azureml.isreused": "true", "regista.reused_from": earlier.name},
        started_at=at,
        ended_at=at,
        updated_at=at,
    )
