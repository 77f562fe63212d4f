"""Inputs from the web: downloaded once while preparing, and known by content from then on."""

import msgspec
import pytest

from regista.entities.job import JobStatus
from regista.errors import NotFoundError
from regista.services.working.worker import Worker
from tests.support.workplace import PLAIN, Workplace


@pytest.fixture
def place(tmp_path):
    place = Workplace(tmp_path / "home")
    yield place
    place.close()


def work(place, fetch):
    worker = Worker(msgspec.structs.replace(place.workshop, fetch=fetch))
    while worker.run_once():
        pass
    worker.close()


def test_the_file_is_an_input_under_its_name(place):
    asked = []

    def fetch(url, path):
        asked.append(url)
        path.write_text("a,b\n")

    url = "https://example.org/data/flights.csv?sig=1"
    job = place.submit({"command": "basename ${{inputs.f}}; cat ${{inputs.f}}", "environment": PLAIN,
                        "inputs": {"f": {"type": "uri_file", "path": url}}})  # fmt: skip
    assert asked == []
    work(place, fetch)
    done = place.job(job.name)
    assert done.status is JobStatus.COMPLETED, done.error
    assert place.log(job.name) == "flights.csv\na,b\n"
    assert asked == [url]
    assert done.inputs["f"].manifest


def test_a_url_that_leads_nowhere_fails_the_job_with_the_reason(place):
    def fetch(url, path):
        raise NotFoundError(f"there is nothing at {url}")

    job = place.submit({"command": "cat ${{inputs.f}}", "environment": PLAIN,
                        "inputs": {"f": {"type": "uri_file", "path": "https://example.org/x"}}})  # fmt: skip
    work(place, fetch)
    assert place.job(job.name).status is JobStatus.FAILED
    assert "nothing at https://example.org/x" in place.job(job.name).error
