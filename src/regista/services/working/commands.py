"""From a command's plan to a process: where its inputs and outputs are, the command line, the variables it finds."""

import os
import platform
import shutil
from pathlib import Path

from regista.entities.command import render_command
from regista.entities.documents.outputs import OutputSpec
from regista.entities.environment import EnvironmentSpec
from regista.entities.job import Binding, Job
from regista.entities.manifest import Manifest
from regista.entities.scope import Scope
from regista.errors import InvalidError
from regista.interfaces.executors import Attempt
from regista.interfaces.runtimes import BuiltEnvironment
from regista.services.jobs.attempt_folder import AttemptFolder
from regista.services.jobs.plans import CommandPlan
from regista.services.jobs.workshop import ServerPlace

_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def input_folder(folder: AttemptFolder, name: str, mode: str) -> Path:
    """Where the files of an input are put."""
    return (folder.scratch if mode == "rw_mount" else folder.inputs) / name


def input_value(folder: AttemptFolder, name: str, binding: Binding, manifest: Manifest | None) -> str:
    """What the command is given for an input: the value, a folder, or for one file the file."""
    if binding.value is not None:
        return binding.value
    if binding.mode == "direct" or manifest is None:
        return binding.reference
    place = input_folder(folder, name, binding.mode)
    if binding.type != "uri_file":
        return str(place)
    if len(manifest.files) != 1:
        raise InvalidError(f"input {name!r} is a uri_file and came to {len(manifest.files)} files")
    return str(place / manifest.files[0].path)


def output_value(folder: AttemptFolder, name: str, output: OutputSpec) -> str:
    """What the command is given for an output: a folder that exists, or a file in one."""
    place = folder.output(name)
    return str(place / name if output.type == "uri_file" else place)


def command_line(plan: CommandPlan, inputs: dict[str, str], outputs: dict[str, str]) -> tuple[str, ...]:
    """The words to execute. Raise ``InvalidError`` when an input without which the command is not whole is missing."""
    given = {name: inputs.get(name) for name in plan.inputs} | inputs
    shell = shutil.which("bash", path=_SYSTEM_PATH) or "/bin/sh"
    return (shell, "-c", render_command(plan.command, inputs=given, outputs=outputs))


def attempt_of(
    job: Job,
    number: int,
    plan: CommandPlan,
    folder: AttemptFolder,
    built: BuiltEnvironment,
    argv: tuple[str, ...],
    env: dict[str, str],
    server: ServerPlace,
) -> Attempt:
    """What the executor is handed. The same job and number give the same attempt."""
    beside = _present(*(place for place in (server.ca, server.trust, server.site) if place is not None))
    return Attempt(
        id=f"{job.id}-{number}",
        directory=folder.root,
        argv=argv,
        cwd=folder.code,
        log=folder.log,
        env=env,
        read_only=(*_present(folder.inputs), built.root, *built.read_only, *beside),
        writable=(folder.outputs, *_present(folder.scratch)),
        timeout=float(plan.timeout) if plan.timeout else None,
    )


def _present(*places: Path) -> tuple[Path, ...]:
    return tuple(place for place in places if place.exists())


def variables(
    job: Job,
    scope: Scope,
    plan: CommandPlan,
    spec: EnvironmentSpec,
    built: BuiltEnvironment,
    places: dict[str, str],
    server: ServerPlace,
    secret: str,
) -> dict[str, str]:
    """The environment of the process. What leads to Regista stands above what the author set: a token goes nowhere else."""
    said = spec.environment_variables | plan.environment_variables
    found = {**built.variables, **said, **_azure(job, scope), **places}
    own_path = [str(server.site)] if server.site else []
    paths = [*own_path, *filter(None, [said.get("PYTHONPATH", "")])]
    if paths:
        found["PYTHONPATH"] = os.pathsep.join(paths)
    found.setdefault("PYTHONUNBUFFERED", "1")
    found.setdefault(
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"
    )  # its links are to pages that MLflow's server has
    if server.url and secret:
        found |= _tracking(job, scope, server, secret)
        if server.trust and not _BUNDLES & found.keys():
            # For the parts of large files, which mlflow sends without its own.
            found["REQUESTS_CA_BUNDLE"] = str(server.trust)
    return found


_BUNDLES = {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
"""By which ``requests`` is told whom to trust, and nobody else."""


def _tracking(job: Job, scope: Scope, server: ServerPlace, secret: str) -> dict[str, str]:
    address = f"{scope.subscription}:{scope.resource_group}:{scope.name}"
    found = {
        "MLFLOW_TRACKING_URI": f"{server.url}/mlflow/workspaces/{address}",
        "MLFLOW_TRACKING_TOKEN": secret,
        "MLFLOW_RUN_ID": job.name,
        "MLFLOW_EXPERIMENT_ID": str(job.experiment),
        "REGISTA_URL": server.url,
        "REGISTA_WORKSPACE": address,
    }
    if server.ca:
        found |= {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.ca), "REGISTA_CA": str(server.ca)}
    return found


def _azure(job: Job, scope: Scope) -> dict[str, str]:
    """The variables of Azure ML that scripts look at to learn where they run."""
    return {
        "AZUREML_RUN_ID": job.name,
        "AZUREML_ROOT_RUN_ID": job.root or job.name,
        "AZUREML_ARM_SUBSCRIPTION": scope.subscription,
        "AZUREML_ARM_RESOURCEGROUP": scope.resource_group,
        "AZUREML_ARM_WORKSPACE_NAME": scope.name,
        "AZUREML_ARM_PROJECT_NAME": str(job.experiment),
    }


def machine() -> dict[str, str]:
    """What a job's properties say of the machine that it ran on."""
    return {
        "regista.host": platform.node(),
        "regista.platform": platform.platform(),
        "regista.cpu_count": str(os.cpu_count() or 1),
    }
