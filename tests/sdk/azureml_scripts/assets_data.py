"""Data of a workspace: files, folders, tables, addresses on the web, paths of datastores."""

import os
import tempfile
from pathlib import Path

import requests
from azure.ai.ml import load_data
from azure.ai.ml._artifacts._artifact_utilities import download_artifact_from_aml_uri
from azure.ai.ml.constants import AssetTypes, ListViewType
from azure.ai.ml.entities import Data
from recorder import GROUP, NAME, SERVER, SUBSCRIPTION, WORKSPACE, refused, workspace

ml = workspace()
folder = Path(tempfile.mkdtemp())
NATIVE = f"{SERVER}/api/v1/workspaces/{SUBSCRIPTION}:{GROUP}:{WORKSPACE}"
LONG = f"azureml://subscriptions/{SUBSCRIPTION}/resourcegroups/{GROUP}/workspaces/{WORKSPACE}/datastores/workspaceblobstore"


def native(path):
    """What the native API says."""
    answer = requests.get(
        f"{NATIVE}/{path}", headers={"Authorization": f"Bearer {os.environ['IDENTITY_HEADER']}"}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def downloaded(path):
    """The files at a URI, by their paths."""
    target = Path(tempfile.mkdtemp())
    download_artifact_from_aml_uri(uri=path, destination=str(target), datastore_operation=ml.datastores)
    return {str(one.relative_to(target)): one.read_text() for one in target.rglob("*") if one.is_file()}


table = folder / "flights"
(table / "2024").mkdir(parents=True)
(table / "2024" / "a.csv").write_text("x,y\n1,2\n")
(table / "b.csv").write_text("x,y\n3,4\n")

# A folder, then the next number, then a label.
name = f"{NAME}-flights"
sent = Data(name=name, path=str(table), description="one", tags={"a": "b"}, properties={"p": "q"})
made = ml.data.create_or_update(sent)
for found in (made, ml.data.get(name, version="1"), ml.data.get(name, label="latest")):
    assert (found.name, found.version, found.type, found.description) == (name, "1", "uri_folder", "one"), found
    assert (found.tags, found.properties) == ({"a": "b"}, {"p": "q"}), found
    assert found.path.startswith(LONG), found.path
    assert found.path.endswith("/flights/"), found.path
assert downloaded(found.path) == {"2024/a.csv": "x,y\n1,2\n", "b.csv": "x,y\n3,4\n"}
assert native(f"data/{name}/versions/1")["file_count"] == 2
(table / "c.csv").write_text("x,y\n5,6\n")
assert ml.data.create_or_update(Data(name=name, path=str(table))).version == "2"
refused("Asset paths cannot be updated", ml.data.create_or_update, Data(name=name, version="1", path=str(table)))
told = ml.data.get(name, version="1")
told.description, told.tags = "two", {"c": "d"}
told = ml.data.create_or_update(told)
assert (told.description, told.tags, told.properties) == ("two", {"c": "d"}, {"p": "q"}), told

# A file, a table, the web, and a path of a datastore that was uploaded before.
one = ml.data.create_or_update(
    Data(name=f"{NAME}-file", version="9", path=str(table / "b.csv"), type=AssetTypes.URI_FILE)
)
assert one.path.endswith("/b.csv"), one.path
assert downloaded(one.path) == {"b.csv": "x,y\n3,4\n"}
(folder / "mltable").mkdir()
(folder / "mltable" / "MLTable").write_text(
    "paths:\n  - file: ./d.csv\ntransformations:\n  - read_delimited:\n      delimiter: ','\n"
)
(folder / "mltable" / "d.csv").write_text("x\n1\n")
tabular = ml.data.create_or_update(Data(name=f"{NAME}-table", path=str(folder / "mltable"), type=AssetTypes.MLTABLE))
assert (tabular.type, tabular.version) == ("mltable", "1"), tabular
assert set(downloaded(tabular.path)) == {"MLTable", "d.csv"}
web = ml.data.create_or_update(Data(name=f"{NAME}-web", path="https://example.org/data.csv", type="uri_file"))
assert web.path == "https://example.org/data.csv", web.path
assert native(f"data/{NAME}-web/versions/1")["spec"] == {"uri": "https://example.org/data.csv"}
short = found.path.replace(LONG, "azureml://datastores/workspaceblobstore")
again = ml.data.create_or_update(Data(name=f"{NAME}-short", path=short))
assert downloaded(again.path) == {"2024/a.csv": "x,y\n1,2\n", "b.csv": "x,y\n3,4\n"}
(folder / "data.yml").write_text(f"name: {NAME}-yaml\nversion: 4\ntype: uri_folder\npath: ./flights\ntags: {{k: v}}\n")
loaded = ml.data.create_or_update(load_data(folder / "data.yml"))
assert (loaded.version, loaded.tags, loaded.path.endswith("/flights/")) == ("4", {"k": "v"}, True), loaded

# Lists, archiving and restoring.
listed = {found.name: found for found in ml.data.list()}
assert {name, f"{NAME}-file", f"{NAME}-table", f"{NAME}-web"} <= listed.keys()
assert (listed[name].latest_version, listed[f"{NAME}-table"].type) == ("2", "mltable"), listed[name]
assert [found.version for found in ml.data.list(name)] == ["2", "1"]
ml.data.archive(name, version="2")
assert [found.version for found in ml.data.list(name)] == ["1"]
assert [found.version for found in ml.data.list(name, list_view_type=ListViewType.ALL)] == ["2", "1"]
assert ml.data.get(name, label="latest").version == "1"
ml.data.restore(name, version="2")
assert ml.data.get(name, label="latest").version == "2"
ml.data.archive(name)
assert name not in {found.name for found in ml.data.list()}
ml.data.restore(name)
assert name in {found.name for found in ml.data.list()}
refused("there is no", ml.data.get, f"{NAME}-none", version="1")
refused(
    "there is nothing",
    ml.data.create_or_update,
    Data(name=f"{NAME}-x", path="azureml://datastores/workspaceblobstore/paths/nothing"),
)
