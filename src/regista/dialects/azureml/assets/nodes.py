"""Nodes of pipeline components: read as those of pipeline jobs are, and written back from the stored document.

{component: azureml:N:V, inputs: {x: ${{parent.inputs.x}}, y: 3}, outputs: {o: {path: ${{parent.outputs.o}}}}}   stored
{componentId, inputs: {x: {job_input_type: literal, value}}, outputs: {o: {type: literal, value}}}               wire
"""

from typing import Any

import msgspec

from regista.dialects.azureml.assets.view import View
from regista.dialects.azureml.call import Json
from regista.dialects.azureml.jobs.documents import read_job
from regista.dialects.azureml.jobs.spelling import INPUT_MODES, OUTPUT_MODES
from regista.entities.asset import AssetKind
from regista.errors import InvalidError

_COMPONENT = AssetKind.COMPONENT


def read_nodes(view: View, jobs: object) -> tuple[Json, Json]:
    """The nodes of a document, and what is kept of each beside it."""
    if not isinstance(jobs, dict):
        raise InvalidError("componentSpec.jobs: expected an object")
    submission = read_job({"jobType": "Pipeline", "jobs": jobs}, lambda uri, *_: uri)
    nodes: Json = submission.document.get("jobs", {})
    for node in nodes.values():
        if isinstance(node.get("component"), str):
            node["component"] = view.local(node["component"], _COMPONENT)
    raw = {name: _lasting(one.raw) for name, one in submission.kept.jobs.items()}
    return nodes, msgspec.to_builtins({name: one for name, one in raw.items() if one})


def rendered_nodes(view: View, jobs: Json, kept: Json) -> Json:
    """The nodes on the wire."""
    return {name: _node(view, name, node) | (kept.get(name) or {}) for name, node in jobs.items()}


def _lasting(raw: Json) -> Json:
    return {key: value for key, value in raw.items() if key != "_source"}


def _node(view: View, name: str, node: Json) -> Json:
    shown = {key: value for key, value in node.items() if key not in {"component", "compute", "inputs", "outputs"}}
    component = node.get("component")
    if isinstance(component, str):
        shown["componentId"] = view.reference(component, _COMPONENT)
    elif component is not None:
        shown["component"] = component
    if compute := node.get("compute"):
        shown["computeId"] = compute
    return {
        "type": "command",
        **shown,
        "name": name,
        "inputs": {key: _input(value) for key, value in (node.get("inputs") or {}).items()},
        "outputs": {key: _output(value) for key, value in (node.get("outputs") or {}).items()},
        "_source": "REMOTE.WORKSPACE.COMPONENT",
    }


def _input(value: Any) -> Json:
    if not isinstance(value, dict):
        return {"job_input_type": "literal", "value": None if value is None else str(value)}
    mode = {"mode": INPUT_MODES.get(value["mode"], value["mode"])} if value.get("mode") else {}
    path = value.get("path")
    if isinstance(path, str) and "${{" not in path:
        return {"job_input_type": value.get("type") or "uri_folder", "uri": path, **mode}
    return {"job_input_type": "literal", "value": str(value.get("value", path)), **mode}


def _output(value: Any) -> Json:
    if not isinstance(value, dict):
        return {"type": "literal", "value": value} if value else {"job_output_type": "uri_folder"}
    mode = {"mode": OUTPUT_MODES.get(value["mode"], value["mode"])} if value.get("mode") else {}
    path = value.get("path")
    if isinstance(path, str) and "${{" in path:
        return {"type": "literal", "value": path, **mode}
    asset = {wire: value[key] for key, wire in (("name", "assetName"), ("version", "assetVersion")) if value.get(key)}
    place = {"uri": path} if path else {}
    return {"job_output_type": value.get("type") or "uri_folder", **mode, **place, **asset}
