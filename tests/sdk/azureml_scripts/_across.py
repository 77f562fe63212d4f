"""Makes one of everything with the SDK and says what it is, or says what the SDK sees of what other doors made. All names begin with NAME.

python _across.py make          environment, data, component, jobs in two workspaces, a model of a job, shared
python _across.py read NAME     the same kinds under names that begin with NAME"""

import json
import sys
import tempfile
import time
from pathlib import Path

from azure.ai.ml import Input, Output, command, load_component
from azure.ai.ml.entities import Data, Environment, Model
from recorder import OTHER, REGISTRY, WORKSPACE, registry, workspace

SAID = {"description": "said once", "tags": {"a": "b"}}
folder = Path(tempfile.mkdtemp())


def seen(asset):
    """What is the same by every door."""
    found = {"version": asset.version, "description": asset.description, "tags": dict(asset.tags or {})}
    return found | ({"type": asset.type} if isinstance(asset, Data | Model) else {})


def files(place):
    """Every file below a folder, by the end of its path."""
    return {one.name: one.read_text() for one in Path(place).rglob("*") if one.is_file()}


def make(name):
    """With the SDK."""
    ml, other = workspace(WORKSPACE), workspace(OTHER)
    (folder / "data").mkdir()
    (folder / "data" / "rows.csv").write_text("1\n2\n")
    (folder / "component.yml").write_text(f"""
name: {name}_component
version: "1"
description: said once
tags: {{a: b}}
type: command
inputs: {{rate: {{type: number, default: 0.5}}}}
command: echo ${{{{inputs.rate}}}}
environment: azureml:{name}-env:1
""")
    conda = {"name": "plain", "dependencies": ["pip"]}
    made = {}
    for client, rate in ((other, 0.75), (ml, 0.5)):
        environment = Environment(name=f"{name}-env", version="1", image="python", conda_file=conda, **SAID)
        made["environments"] = client.environments.create_or_update(environment)
        data = Data(name=f"{name}-data", version="1", type="uri_folder", path=str(folder / "data"), **SAID)
        made["data"] = client.data.create_or_update(data)
        job = client.jobs.create_or_update(trained(name, rate))
        while client.jobs.get(job.name).status not in {"Completed", "Failed", "Canceled"}:
            time.sleep(0.3)
        assert client.jobs.get(job.name).status == "Completed"
    made["components"] = ml.components.create_or_update(load_component(folder / "component.yml"))
    model = Model(
        name=f"{name}-model", version="1", type="custom_model", path=f"azureml://jobs/{name}-job/outputs/model", **SAID
    )
    made["models"] = ml.models.create_or_update(model)
    ml.models.share(
        f"{name}-model", "1", registry_name=REGISTRY, share_with_name=f"{name}-model", share_with_version="1"
    )
    return {kind: seen(asset) for kind, asset in made.items()}


def trained(name, rate):
    """A job that measures its parameter."""
    program = "import regista_tracking as t; t.log_param('rate', ${{inputs.rate}}); t.log_metric('loss', ${{inputs.rate}} * 2)"
    job = command(
        command=f'python -c "{program}" && cp ${{{{inputs.rows}}}}/rows.csv ${{{{outputs.model}}}}/weights',
        environment=f"azureml:{name}-env:1",
        inputs={"rate": rate, "rows": Input(type="uri_folder", path=f"azureml:{name}-data:1")},
        outputs={"model": Output(type="custom_model")},
        experiment_name=f"{name}-experiment",
    )
    job.name = f"{name}-job"
    return job


def read(name):
    """What others made."""
    ml = workspace(WORKSPACE)
    found = {
        "data": ml.data.get(f"{name}-data", "1"),
        "models": ml.models.get(f"{name}-model", "1"),
        "environments": ml.environments.get(f"{name}-env", "1"),
        "components": ml.components.get(f"{name}_component", "1"),
    }
    told = {kind: seen(asset) for kind, asset in found.items()}
    told["environments"] |= {"image": found["environments"].image, "conda_file": found["environments"].conda_file}
    told["components"] |= {"command": found["components"].command, "rate": found["components"].inputs["rate"].default}
    ml.models.download(f"{name}-model", "1", download_path=str(folder / "model"))
    told["files"] = files(folder / "model")
    shelf = registry().models.get(f"{name}-model", "1")
    told["shelf"] = seen(shelf)
    job = ml.jobs.get(f"{name}-job")
    told["job"] = {
        "status": job.status,
        "command": job.command,
        "experiment": job.experiment_name,
        "tags": dict(job.tags),
    }
    ml.jobs.download(job.name, download_path=str(folder / "job"), output_name="model")
    told["output"] = files(folder / "job")
    told["mlflow"] = seen(ml.models.get(f"{name}-mlflow", "1"))
    run = ml.jobs.get(sys.argv[3])
    told["run"] = {"status": run.status, "experiment": run.experiment_name}
    return told


sys.stdout.write("\nTOLD " + json.dumps(make(sys.argv[2]) if sys.argv[1] == "make" else read(sys.argv[2])) + "\n")
