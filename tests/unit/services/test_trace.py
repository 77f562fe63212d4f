"""Tracing through live lineage and, where that is closed or gone, through capsules; and comparing runs."""

import msgspec
import pytest

from regista.entities.asset import AssetKind
from regista.entities.capsule import open_envelope, read_statement
from regista.entities.comparison import Verdict
from regista.entities.digest import digest_of
from regista.entities.environment import Lock
from regista.entities.job import Binding, Job, JobStatus, JobType
from regista.entities.lineage import Edge, EdgeType
from regista.entities.names import new_id, now
from regista.entities.run import Metric
from regista.errors import InvalidError, NotFoundError
from regista.services.access.access import SYSTEM
from regista.services.assets.versions import NewVersion
from regista.services.registry.promotion import Promotion
from tests.support.houses import manifest_of

MODEL = AssetKind.MODEL


def trained(people, scope, name="train-1", mae=(2.0, 2.1, 1.9), data="data"):
    """A finished job that consumed a data version and produced an output, as a worker leaves it."""
    house = people.house
    source = people.version(scope, AssetKind.DATA, name=data, files={"rows.csv": data.encode() * 10})
    store = house.stores.for_scope(scope)[1]
    code = people.version(scope, AssetKind.CODE, anonymous=True, files={"train.py": b"fit()"})
    house.contents.put(SYSTEM, scope.address, [(digest_of(b"model of " + data.encode()), b"model of " + data.encode())])

    output = manifest_of({"model.bin": b"model of " + data.encode()})
    job = Job(
        id=new_id(),
        scope_id=scope.id,
        name=name,
        type=JobType.COMMAND,
        status=JobStatus.COMPLETED,
        spec={"command": "python train.py", "environment_variables": {"API_TOKEN": "hush", "MODE": "fast"}},
        properties={"mlflow.source.git.commit": "abc123"},
        inputs={
            "data": Binding(
                type="uri_folder", manifest=source.manifest, reference=f"azureml:{data}:1", node=source.node
            ),
            "rate": Binding(type="number", value="0.1"),
        },
        outputs={"model": Binding(type="uri_folder", manifest=store.put(output.encode()))},
        code=code.manifest,
        lock=store.put(msgspec.json.encode(Lock(text="scikit-learn==1.5.2", python="3.11.7", platform="linux-x86_64"))),
        log=store.put(b"epoch 1\nepoch 2\ndone\n"),
        created_at=now(),
        created_by="alice",
    )
    node = f"job:{scope.id}/{name}"

    def write(tx):
        tx.jobs.add(job)
        tx.runs.log_metrics(job.id, [Metric("mae", value, now(), step) for step, value in enumerate(mae)])
        tx.runs.log_params(job.id, {"depth": "3"})
        edges = [
            Edge(source=source.node, target=node, type=EdgeType.CONSUMED, role="input:data"),
            Edge(source=code.node, target=node, type=EdgeType.CONSUMED, role="code"),
        ]
        tx.lineage.add(edges)

    house.catalog.write(write)
    return job


def registered(people, scope, target, home=None):
    return people.house.registration.create(
        SYSTEM,
        target.address,
        NewVersion(kind=MODEL, name="churn"),
        "azureml://jobs/train-1/outputs/model",
        (home or scope).address,
    )


@pytest.fixture
def dev(people):
    return people.workspace("dev")


@pytest.fixture
def central(people, tmp_path):
    people.store("far", tmp_path / "far", "elsewhere")
    return people.registry("central", "elsewhere")


@pytest.fixture
def ops(people, central):
    return people.somebody("ops", registry_user=central.path)


def one(trace, kind):
    return next(getattr(node, kind) for node in trace.nodes if getattr(node, kind))


def test_who_may_read_the_workspace_sees_it_live(people, dev):
    trained(people, dev)
    registered(people, dev, dev)
    trace = people.house.traces.of_version(SYSTEM, dev.address, MODEL, "churn")
    assert {node.known for node in trace.nodes} == {"live"}
    job = one(trace, "job")
    assert job.metrics == {"mae": 1.9}
    assert job.parameters == {"rate": "0.1", "depth": "3"}
    assert job.detail.log_tail.endswith("done\n")
    assert trace.completeness.share == 1.0


@pytest.mark.parametrize("how", ["promoted", "straight"])
def test_who_may_not_read_the_workspace_sees_the_capsule(people, dev, central, ops, how):
    trained(people, dev)
    if how == "promoted":
        registered(people, dev, dev)
        people.house.promotion.promote(
            SYSTEM, Promotion(source=dev.address, kind=MODEL, name="churn", target=central.address)
        )
    else:
        registered(people, dev, central)
    trace = people.house.traces.of_version(ops, central.address, MODEL, "churn")
    job = one(trace, "job")
    assert next(node.known for node in trace.nodes if node.job) == "capsule"
    assert job.metrics == {"mae": 1.9}
    assert job.best == {"mae": (1.9, 2.1)}
    assert job.detail.lock_text == "scikit-learn==1.5.2"
    assert job.detail.log_tail.endswith("done\n")
    assert job.detail.git == {"commit": "abc123"}
    assert job.detail.environment_variables == {"API_TOKEN": "(not recorded)", "MODE": "fast"}
    assert any(node.version and node.version.kind == "data" for node in trace.nodes)
    with pytest.raises(NotFoundError):
        people.house.traces.of_job(ops, dev.address, "train-1")


def test_a_trace_outlives_the_workspace(people, dev, central, ops):
    trained(people, dev)
    registered(people, dev, central)
    before = people.house.traces.of_version(ops, central.address, MODEL, "churn")
    people.house.scopes.delete(SYSTEM, dev.address)
    after = people.house.traces.of_version(ops, central.address, MODEL, "churn")
    assert one(after, "job") == one(before, "job")
    assert {
        node.known for node in people.house.traces.of_version(SYSTEM, central.address, MODEL, "churn").nodes if node.job
    } == {"capsule"}
    log = one(after, "job").detail.log
    assert people.house.stores.for_scope(central)[1].get(log).startswith(b"epoch 1"), "the whole log travelled along"


def test_a_reader_of_the_registry_sees_the_card_and_not_the_detail(people, dev, central):
    trained(people, dev)
    registered(people, dev, central)
    reader = people.somebody("reader", reader=central.path)
    trace = people.house.traces.of_version(reader, central.address, MODEL, "churn")
    job = one(trace, "job")
    assert job.metrics == {"mae": 1.9}
    assert job.detail is None
    assert all(source.digest is None for source in job.sources)
    assert any("provenance/detail" in text for text in trace.completeness.missing)


def test_what_has_no_files_is_told_apart_by_what_it_is(people, dev, central):
    digests = set()
    for name in ("one", "other"):
        version = people.version(dev, AssetKind.ENVIRONMENT, name=name, files={}, spec={"pip": [name]})
        asked = Promotion(source=dev.address, kind=AssetKind.ENVIRONMENT, name=name, target=central.address)
        made = people.house.promotion.promote(SYSTEM, asked)
        payload, _ = open_envelope(people.house.stores.for_scope(central)[1].get(made.capsule))
        assert read_statement(payload).subject.digest == version.content
        digests.add(read_statement(payload).subject.digest)
        for node in people.house.traces.of_version(SYSTEM, central.address, AssetKind.ENVIRONMENT, name).nodes:
            assert node.version.digest == version.content
    assert len(digests) == 2


def test_an_altered_capsule_is_not_believed(people, dev, central, ops):
    trained(people, dev)
    made = registered(people, dev, central)
    store = people.house.stores.for_scope(central)[1]
    payload, _ = open_envelope(store.get(made.capsule))
    assert read_statement(payload).subject.digest == made.manifest
    forged = store.put(store.get(made.capsule).replace(b'"sig":"', b'"sig":"AAAA'))
    people.house.catalog.write(lambda tx: tx.versions.put(msgspec.structs.replace(made, capsule=forged)))
    trace = people.house.traces.of_version(ops, central.address, MODEL, "churn")
    assert not any(node.job for node in trace.nodes)
    assert any("cannot be believed" in text for text in trace.completeness.missing)


def test_downstream_shows_what_came_of_data(people, dev, central):
    trained(people, dev)
    registered(people, dev, central)
    trace = people.house.traces.of_version(SYSTEM, dev.address, AssetKind.DATA, "data", upstream=False)
    assert [node.version.name for node in trace.nodes if node.version] == ["data", "churn"]


def test_registering_from_a_job_again_is_quiet_and_a_wrong_output_is_named(people, dev, central):
    trained(people, dev)
    first = people.house.registration.create(
        SYSTEM,
        central.address,
        NewVersion(kind=MODEL, name="churn", version="1"),
        "azureml://jobs/train-1/outputs/model",
        dev.address,
    )
    again = people.house.registration.create(
        SYSTEM,
        central.address,
        NewVersion(kind=MODEL, name="churn", version="1"),
        "azureml://jobs/train-1/outputs/model",
        dev.address,
    )
    assert first.id == again.id
    for path, wrong in (("outputs/nothing", "nothing"), ("outputs/model/paths/absent", "absent")):
        with pytest.raises(NotFoundError, match=wrong):
            people.house.registration.create(
                SYSTEM, central.address, NewVersion(kind=MODEL, name="x"), f"azureml://jobs/train-1/{path}", dev.address
            )


@pytest.mark.parametrize(
    ("mae", "verdict"),
    [
        ((2.01, 2.03, 2.0), Verdict.HOLDS),
        ((5.0, 5.1, 4.9), Verdict.WORSE),
        ((1.0, 1.1, 0.9), Verdict.BETTER),
        ((1.0, 4.0, 2.4), Verdict.UNDECIDED),
    ],
)
def test_two_runs_get_a_verdict_with_its_interval(people, dev, mae, verdict):
    prod = people.workspace("prod")
    trained(people, dev, mae=(2.0, 2.02, 1.98), data="sample")
    trained(people, prod, "train-2", mae, data="everything")
    found = people.house.comparison.compare(SYSTEM, [(dev.address, "train-1"), (prod.address, "train-2")])
    row = next(row for row in found.metrics if row.metric == "mae")
    assert row.verdict is verdict
    assert row.interval[0] <= row.difference <= row.interval[1]
    assert row.values == pytest.approx((2.0, sum(mae) / 3))  # what is shown is what is compared
    assert row.difference == pytest.approx(row.values[1] - row.values[0])
    assert found.same_pipeline
    assert [(one.what, one.name) for one in found.differences] == [("data", "data")]


def test_without_an_interval_nothing_is_decided(people, dev):
    trained(people, dev, mae=(2.0,))
    trained(people, dev, "train-2", (9.0,), data="other")
    found = people.house.comparison.compare(SYSTEM, [(dev.address, "train-1"), (dev.address, "train-2")])
    assert found.verdict is Verdict.UNDECIDED
    assert "stderr" in found.explanation


def test_a_comparison_needs_two_jobs_that_may_be_read(people, dev, ops):
    trained(people, dev)
    with pytest.raises(InvalidError):
        people.house.comparison.compare(SYSTEM, [(dev.address, "train-1")])
    with pytest.raises(NotFoundError):
        people.house.comparison.compare(ops, [(dev.address, "train-1"), (dev.address, "train-1")])
