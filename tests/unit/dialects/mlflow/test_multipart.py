"""Files in parts, and files by signed addresses, as MLflow 3 asks for them."""

import hashlib
import json
import time
from urllib.parse import urlsplit

import pytest

from regista.entities.access import PrincipalKind
from regista.entities.scope import ScopeAddress, ScopeKind
from regista.services.access.access import SYSTEM
from tests.support.mlflow_door import FILES

MPU = "/api/2.0/mlflow-artifacts/mpu"
PRESIGNED = "/api/2.0/mlflow-artifacts/presigned"
CONTENTS = [b"a" * 70_000, b"b" * 70_000, b"c"]


@pytest.fixture
def anyone(door):
    """The same address, without a key."""
    return door.at(door.base, "")


def begin(door, run, folder="model", name="big.bin", parts=3):
    return door.request("POST", f"{MPU}/create/runs/{run}/{folder}", encoded(path=f"/tmp/{name}", num_parts=parts))


def encoded(**fields):
    return json.dumps(fields).encode()


def follow(anyone, url, method="PUT", content=b"", **headers):
    """What ``requests`` does with a signed address: no key goes along."""
    parts = urlsplit(url)
    assert parts.path.startswith(anyone.base)
    return anyone.request(method, parts.path.removeprefix(anyone.base), content, headers, query=parts.query)


def send(anyone, upload, contents=CONTENTS):
    found = []
    for credential, content in zip(upload["credentials"], contents, strict=True):
        answer = follow(anyone, credential["url"], content=content)
        assert answer.status == 200, answer.content
        assert answer.headers["etag"] == f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        found.append({"part_number": credential["part_number"], "etag": answer.headers["etag"], "url": "x"})
    return found


def end(door, run, upload, parts=None, verb="complete", folder="model", name="big.bin"):
    fields = {"path": f"/tmp/{name}", "upload_id": upload["upload_id"]} | ({} if parts is None else {"parts": parts})
    return door.request("POST", f"{MPU}/{verb}/runs/{run}/{folder}", encoded(**fields))


def read(door, run, path="model/big.bin", **headers):
    return door.request("GET", f"{FILES}/runs/{run}/{path}", headers=headers)


def somebody(door, name, role):
    """A principal with the role in the workspace: its door, and the id of what it was given."""
    principals = door.house.principals
    principals.create(SYSTEM, name, PrincipalKind.USER)
    given = principals.assign(SYSTEM, name, role, door.house.scopes.get(SYSTEM, _DEV).path)
    return door.at(door.base, principals.create_key(SYSTEM, name, "k").secret), given.id


class TestParts:
    def test_become_one_file_in_the_order_of_their_numbers(self, door, anyone):
        run = door.run()
        upload = begin(door, run).json
        assert [one["part_number"] for one in upload["credentials"]] == [1, 2, 3]
        parts = send(anyone, upload)
        assert read(door, run).status == 404
        assert end(door, run, upload, parts[::-1]).content == b"{}"
        assert read(door, run).content == b"".join(CONTENTS)
        assert read(door, run).headers["etag"] == f'"sha256:{hashlib.sha256(b"".join(CONTENTS)).hexdigest()}"'

    def test_sent_twice_count_once(self, door, anyone):
        run = door.run()
        upload = begin(door, run).json
        old = send(anyone, upload, [b"x", b"y", b"z"])
        new = send(anyone, upload)
        assert "part 1 is not the one" in end(door, run, upload, [*old[:1], *new[1:]]).error
        assert end(door, run, upload, new).status == 200
        assert read(door, run).content == b"".join(CONTENTS)

    def test_that_are_missing_are_named(self, door, anyone):
        run = door.run()
        upload = begin(door, run).json
        parts = send(anyone, {"credentials": upload["credentials"][:2]}, CONTENTS[:2])
        assert "part 3 was not sent" in end(door, run, upload, parts).error
        parts += send(anyone, {"credentials": upload["credentials"][2:]}, CONTENTS[2:])
        assert "part 3 is not named" in end(door, run, upload, parts[:2]).error
        assert "named twice" in end(door, run, upload, [*parts, parts[0]]).error
        assert "parts 1 to 3" in end(door, run, upload, [*parts, {"part_number": 4, "etag": "x"}]).error
        assert read(door, run).status == 404
        assert end(door, run, upload, parts).status == 200

    def test_completion_asked_for_again_is_quiet(self, door, anyone):
        run = door.run()
        upload = begin(door, run).json
        parts = send(anyone, upload)
        assert end(door, run, upload, parts).status == 200
        door.put(f"runs/{run}/model/big.bin", b"newer")
        assert end(door, run, upload, parts).status == 200
        assert end(door, run, upload, verb="abort").status == 200
        assert read(door, run).content == b"newer"
        late = follow(anyone, upload["credentials"][0]["url"], content=b"late")
        assert late.status == 409
        assert "complete already" in late.error

    def test_of_an_aborted_upload_are_forgotten(self, door, anyone):
        run = door.run()
        upload = begin(door, run).json
        parts = send(anyone, upload)
        assert end(door, run, upload, verb="abort").status == 200
        assert end(door, run, upload, verb="abort").status == 200
        assert "was aborted" in end(door, run, upload, parts).error
        assert "was aborted" in follow(anyone, upload["credentials"][0]["url"], content=b"x").error
        assert read(door, run).status == 404

    def test_of_another_run_or_file_are_not_found(self, door, anyone):
        run, other = door.run(), door.run()
        upload = begin(door, run).json
        parts = send(anyone, upload)
        for answer in (
            end(door, other, upload, parts),
            end(door, run, upload, parts, name="other.bin"),
            end(door, run, upload, parts, folder="elsewhere"),
            end(door, run, {"upload_id": "0" * 32}, parts),
            end(door, run, {"upload_id": "../x"}, parts),
            end(door, other, upload, verb="abort"),
        ):
            assert answer.status == 404, answer
            assert "there is no upload" in answer.error
        assert end(door, run, upload, parts).status == 200

    def test_of_somebody_else_are_not_found(self, door, anyone):
        mallory, _ = somebody(door, "mallory", "Contributor")
        run = door.run()
        upload = begin(door, run).json
        parts = send(anyone, upload)
        for verb in ("complete", "abort"):
            assert "there is no upload" in end(mallory, run, upload, parts, verb=verb).error
        own = begin(mallory, run).json
        assert "part 1 was not sent" in end(mallory, run, own, parts).error
        assert end(door, run, upload, parts).status == 200

    def test_that_do_not_have_the_sum_their_sender_says_are_refused(self, door, anyone):
        run = door.run()
        url = begin(door, run, parts=1).json["credentials"][0]["url"]
        wrong = {"content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}
        assert follow(anyone, url, content=b"x", **wrong).status == 400
        assert follow(anyone, url, content=b"", **wrong).status == 200
        assert follow(anyone, url, content=b"x", **{"content-md5": "?"}).status == 400

    @pytest.mark.parametrize("name", ["..", ".", "/", "a\\b", "x" * 300])
    def test_need_a_name_that_is_one(self, door, name):
        assert begin(door, door.run(), name=name).status in {400, 404}

    def test_are_named_by_the_last_part_of_the_clients_path(self, door, anyone):
        run = door.run()
        body = encoded(path="C:\\Users\\ada\\big.bin", num_parts=1)
        upload = door.request("POST", f"{MPU}/create/runs/{run}", body).json
        parts = send(anyone, upload, [b"x"])
        done = encoded(path="C:\\Users\\ada\\big.bin", parts=parts, upload_id=upload["upload_id"])
        assert door.request("POST", f"{MPU}/complete/runs/{run}", done).status == 200
        assert read(door, run, "big.bin").content == b"x"

    @pytest.mark.parametrize("parts", [0, -1, 10_001, "x"])
    def test_are_one_to_ten_thousand(self, door, parts):
        assert begin(door, door.run(), parts=parts).status == 400


class TestSignedAddresses:
    def test_of_a_part_open_that_part_alone(self, door, anyone):
        run = door.run()
        first, second, *_ = begin(door, run).json["credentials"]
        query = dict(one.split("=", 1) for one in urlsplit(second["url"]).query.split("&"))
        for url in (
            first["url"].split("&sig=")[0] + f"&sig={query['sig']}",
            first["url"].replace("upload=", "upload=0"),
            first["url"].replace("big.bin", "other.bin"),
            first["url"].replace("/mpu/part/", "/artifacts/"),
            first["url"].split("&sig=")[0],
            first["url"] + "A",
        ):
            assert follow(anyone, url, content=b"x").status in {401, 403}, url
        assert read(door, run).status == 404

    def test_to_read_a_file_give_ranges_and_nothing_else(self, door, anyone):
        run = door.run()
        door.put(f"runs/{run}/a b/f.bin", b"0123456789")
        door.put(f"runs/{run}/other", b"secret")
        found = door.request("GET", f"{PRESIGNED}/runs/{run}/a%20b/f.bin").json
        assert found["file_size"] == 10
        whole = follow(anyone, found["url"], "GET")
        assert (whole.status, whole.content) == (200, b"0123456789")
        some = follow(anyone, found["url"], "GET", range="bytes=2-4")
        assert (some.status, some.content, some.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
        assert follow(anyone, found["url"], "GET", range="bytes=10-").status == 416
        assert follow(anyone, found["url"], "PUT", content=b"x").status == 403
        assert follow(anyone, found["url"], "DELETE").status == 401
        assert follow(anyone, found["url"].replace("a%20b/f.bin", "other"), "GET").status == 403
        assert door.request("GET", f"{PRESIGNED}/runs/{run}/none").status == 404

    @pytest.mark.parametrize("owner", ["run", "model"])
    def test_for_runs_and_models_are_written_to_and_read_from(self, door, anyone, experiment, owner):
        made = door.run() if owner == "run" else _model(door, experiment)
        of = {f"{owner}_id": made}
        to = door.post("artifacts/presigned-upload-url", path="x/y.bin", expiration=60, **of)
        assert follow(anyone, to["presigned_url"], content=b"sent").status == 200
        assert follow(anyone, to["presigned_url"], "GET").status == 403
        back = door.post("artifacts/presigned-download-url", path="x/y.bin", **of)
        assert (follow(anyone, back["presigned_url"], "GET").content, back["file_size"]) == (b"sent", 4)

    def test_are_for_one_owner_and_a_week_at_most(self, door):
        run = door.run()
        for fields in ({"path": "x"}, {"path": "x", "run_id": run, "model_id": "m"}, {"path": "../x", "run_id": run}):
            assert door.refused("POST", "artifacts/presigned-upload-url", **fields)
        for seconds in (0, 604_801):
            assert "expiration must be" in door.refused(
                "POST", "artifacts/presigned-upload-url", path="x", run_id=run, expiration=seconds
            )

    def test_end_with_their_time_and_with_the_rights_of_who_asked(self, door, anyone):
        run = door.run()
        door.put(f"runs/{run}/f", b"x")
        trudy, given = somebody(door, "trudy", "Reader")
        url = trudy.request("GET", f"{PRESIGNED}/runs/{run}/f").json["url"]
        assert trudy.refused("POST", "artifacts/presigned-upload-url", path="x", run_id=run).startswith("PERMISSION_D")
        assert follow(anyone, url, "GET").content == b"x"
        door.house.principals.unassign(SYSTEM, given)
        time.sleep(2.1)  # a caller is remembered for two seconds
        assert follow(anyone, url, "GET").status in {401, 403, 404}
        short = door.post("artifacts/presigned-download-url", path="f", run_id=run, expiration=1)["presigned_url"]
        time.sleep(1.1)
        assert follow(anyone, short, "GET").status == 401


class TestDownloads:
    def test_by_the_addresses_of_browsers(self, door):
        run = door.run()
        door.put(f"runs/{run}/a/f.html", b"<b>")
        for name in ("run_id", "run_uuid"):
            answer = door.request("GET", "/get-artifact", query=f"{name}={run}&path=a/f.html")
            assert answer.content == b"<b>"
            assert answer.headers["content-disposition"].startswith("attachment")
        door.model("shown", run)
        answer = door.request("GET", "/model-versions/get-artifact", query="name=shown&version=1&path=model.pkl")
        assert answer.content == b"weights"

    def test_say_what_is_missing(self, door):
        run = door.run()
        assert "run_id" in door.request("GET", "/get-artifact", query="path=x").error
        assert "path" in door.request("GET", "/get-artifact", query=f"run_id={run}").error
        assert door.request("GET", "/get-artifact", query=f"run_id={run}&path=none").status == 404
        assert door.request("GET", "/get-artifact", query=f"run_id={run}&path=../x").status == 400
        assert door.at(door.base, "").request("GET", "/get-artifact", query=f"run_id={run}&path=x").status == 401
        assert door.request("GET", "/model-versions/get-artifact", query="name=no&version=1&path=x").status == 404


_DEV = ScopeAddress(ScopeKind.WORKSPACE, "dev")


def _model(door, experiment):
    return door.post("logged-models", experiment_id=experiment, name="m")["model"]["info"]["model_id"]
