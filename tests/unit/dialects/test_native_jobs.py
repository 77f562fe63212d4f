"""Jobs over the native API."""

import pytest
from litestar.testing import TestClient

from regista.dialects.native.app import application
from regista.services.access.access import SYSTEM
from tests.support.workplace import PLAIN, Workplace

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Litestar's own, about its next major version

JOBS = "/api/v1/workspaces/dev/jobs"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = Workplace(tmp_path_factory.mktemp("place"))
    yield place
    place.close()


@pytest.fixture
def client(place):
    secret = place.house.principals.create_key(SYSTEM, "ada", "k").secret
    with TestClient(application(place.house)) as client:
        client.headers["Authorization"] = f"Bearer {secret}"
        yield client


def document(command="true", **fields):
    return {"command": command, "environment": PLAIN, **fields}


class TestJobs:
    def test_a_job_is_submitted_looked_at_and_listed_with_its_tags(self, place, client):
        made = client.post(JOBS, json=document(tags={"k": "v"}), params={"name": "listed"})
        assert (made.status_code, made.json()["status"], made.json()["tags"]) == (201, "Queued", {"k": "v"})
        assert client.get(f"{JOBS}/listed").json() == made.json()
        assert "listed" in {job["name"] for job in client.get(JOBS).json()["items"]}
        changed = client.patch(f"{JOBS}/listed", json={"archived": True, "tags": {"l": "w"}}).json()
        assert changed["tags"] == {"k": "v", "l": "w"}
        assert "listed" not in {job["name"] for job in client.get(JOBS).json()["items"]}
        assert "listed" in {job["name"] for job in client.get(JOBS, params={"show": "archived"}).json()["items"]}

    def test_steps_are_children_and_no_jobs_of_their_own(self, place, client):
        pipeline = {"type": "pipeline", "jobs": {"a": document("echo step")}}
        name = client.post(JOBS, json=pipeline).json()["name"]
        place.work()
        children = client.get(f"{JOBS}/{name}/children").json()["items"]
        assert [(child["node"], child["status"]) for child in children] == [("a", "Completed")]
        listed = {job["name"] for job in client.get(JOBS).json()["items"]}
        assert name in listed
        assert children[0]["name"] not in listed
        everything = {job["name"] for job in client.get(JOBS, params={"steps": "true"}).json()["items"]}
        assert children[0]["name"] in everything

    def test_the_log_is_followed_to_its_end(self, place, client):
        with place.working():
            name = client.post(JOBS, json=document("echo a; sleep 0.5; echo b")).json()["name"]
            text, offset = b"", "0"
            while True:
                answer = client.get(f"{JOBS}/{name}/log", params={"offset": offset, "wait": 5})
                text, offset = text + answer.content, answer.headers["x-offset"]
                if answer.headers["x-final"] == "true":
                    break
        assert text == b"a\nb\n"

    def test_outputs_are_listed_and_read_in_ranges(self, place, client):
        name = client.post(JOBS, json=document("echo 0123 > ${{outputs.o}}/x", outputs={"o": {}})).json()["name"]
        early = client.get(f"{JOBS}/{name}/outputs/o/manifest")
        assert (early.status_code, early.json()["code"]) == (409, "conflict")
        place.work()
        assert [file["path"] for file in client.get(f"{JOBS}/{name}/outputs/o/manifest").json()["files"]] == ["x"]
        part = client.get(f"{JOBS}/{name}/outputs/o/files/x", headers={"Range": "bytes=1-2"})
        assert (part.status_code, part.content) == (206, b"12")
        assert client.get(f"{JOBS}/{name}/outputs/o/files/nope").status_code == 404
        assert client.get(f"{JOBS}/{name}/outputs/nope/manifest").status_code == 404

    def test_cancel_is_quiet_the_second_time(self, client):
        name = client.post(JOBS, json=document()).json()["name"]
        assert [client.post(f"{JOBS}/{name}/cancel").json()["status"] for _ in range(2)] == ["Canceled", "Canceled"]

    @pytest.mark.parametrize(
        ("body", "status", "said"),
        [
            ({"command": "x"}, 400, "environment"),
            ({"command": "x", "environment": {"image": "ubuntu"}}, 501, "container"),
            ({"command": "x", "environment": PLAIN, "colour": 1}, 400, "colour"),
            ([], 400, ""),
            ({"type": "pipeline", "jobs": {}}, 400, "jobs"),
        ],
    )
    def test_what_is_wrong_is_answered_with_its_place(self, client, body, status, said):
        answer = client.post(JOBS, json=body)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]

    def test_registries_have_no_jobs(self, client):
        assert client.post("/api/v1/registries/central/jobs", json=document()).status_code in {400, 404}
