"""Promotion: the whole closure, all or nothing, metadata alone inside one store, verified across stores."""

import threading

import pytest

from regista.drivers.blobs.local import LocalBlobStore
from regista.entities.asset import AssetKind
from regista.entities.digest import digest_of
from regista.entities.scope import ScopeAddress
from regista.errors import AlreadyExistsError, ForbiddenError, NotFoundError, UnavailableError
from regista.services.access.access import SYSTEM
from regista.services.registry.promotion import Promotion

MODEL, COMPONENT = AssetKind.MODEL, AssetKind.COMPONENT


def asked(source, target, name="churn", kind=MODEL, **more):
    return Promotion(source=source.address, kind=kind, name=name, target=target.address, **more)


@pytest.fixture
def dev(people):
    return people.workspace("dev", "here")


@pytest.fixture
def central(people):
    return people.registry("central", "here")


@pytest.fixture
def far(people, tmp_path):
    people.store("far", tmp_path / "far", "elsewhere")
    return people.registry("far-away", "elsewhere")


def component(people, dev):
    people.version(dev, AssetKind.ENVIRONMENT, name="py", files={}, spec={"pip": ["six"]})
    code = people.version(dev, AssetKind.CODE, anonymous=True, files={"run.py": b"print()"})
    train = {
        "type": "command",
        "command": "python run.py ${{outputs.model}}",
        "code": f"azureml:anonymous:{code.version}",
        "environment": "azureml:py@latest",
        "outputs": {"model": {"type": "uri_folder"}},
    }
    people.version(dev, COMPONENT, name="train", files={}, spec=train)
    pipeline = {
        "type": "pipeline",
        "jobs": {
            "train": {"component": "azureml:train:1"},
            "say": {"type": "command", "command": "echo", "environment": {"pip": ["idna"]}},
        },
    }
    return people.version(dev, COMPONENT, name="pipe", files={}, spec=pipeline)


def with_context(people, scope, text=b"FROM python"):
    """An environment with a build context, which is code of its own."""
    code = people.version(scope, AssetKind.CODE, anonymous=True, files={"Dockerfile": text, "a.txt": b"a"})
    spec = {"build": {"path": f"azureml:anonymous:{code.version}"}}
    return code, people.version(scope, AssetKind.ENVIRONMENT, name="built", files={}, spec=spec)


def test_an_environment_and_its_build_context_go_together_or_not_at_all(people, dev, central):
    code, environment = with_context(people, dev)
    people.version(central, AssetKind.ENVIRONMENT, name="built", version="1", files={}, spec={"pip": ["six"]})
    with pytest.raises(AlreadyExistsError, match="built"):
        people.house.promotion.promote(SYSTEM, asked(dev, central, "built", AssetKind.ENVIRONMENT))
    with pytest.raises(NotFoundError):
        people.house.assets.get(SYSTEM, central.address, AssetKind.CODE, "anonymous", code.version)
    wanted = asked(dev, central, "built", AssetKind.ENVIRONMENT, as_name="other")
    assert people.house.promotion.promote(SYSTEM, wanted).spec == environment.spec
    assert people.house.promotion.promote(SYSTEM, wanted).spec == environment.spec
    there = people.house.assets.get(SYSTEM, central.address, AssetKind.CODE, "anonymous", code.version)
    assert there.manifest == code.manifest


def test_the_whole_closure_goes_along_under_its_names(people, dev, central):
    source = component(people, dev)
    plan = people.house.promotion.plan(SYSTEM, asked(dev, central, "pipe", COMPONENT))
    assert [(item.kind.value, item.action) for item in plan.items] == [
        ("code", "create"),
        ("environment", "create"),
        ("component", "create"),
        ("environment", "create"),
        ("component", "create"),
    ]
    assert plan.same_store
    assert plan.moved == 0
    made = people.house.promotion.promote(SYSTEM, asked(dev, central, "pipe", COMPONENT))
    assert made.content == source.content, "references stay local, so the identity stays the same"
    assert people.house.assets.get(SYSTEM, central.address, AssetKind.ENVIRONMENT, "py", "1")
    again = people.house.promotion.plan(SYSTEM, asked(dev, central, "pipe", COMPONENT))
    assert {item.action for item in again.items} == {"exists"}
    assert people.house.promotion.promote(SYSTEM, asked(dev, central, "pipe", COMPONENT)).id == made.id


def test_a_clash_in_the_closure_refuses_everything(people, dev, central):
    component(people, dev)
    people.version(central, AssetKind.ENVIRONMENT, name="py", files={}, spec={"pip": ["other"]})
    with pytest.raises(AlreadyExistsError, match="environment 'py' version '1'"):
        people.house.promotion.promote(SYSTEM, asked(dev, central, "pipe", COMPONENT))
    with pytest.raises(NotFoundError):
        people.house.assets.get(SYSTEM, central.address, COMPONENT, "train", "1")


def test_it_may_be_called_otherwise_in_the_registry(people, dev, central):
    people.version(dev, name="churn")
    made = people.house.promotion.promote(SYSTEM, asked(dev, central, as_name="churn-eu", as_version="2026.1"))
    assert (made.name, made.version) == ("churn-eu", "2026.1")


def test_inside_one_store_no_byte_moves_whatever_the_size(people, dev, central, monkeypatch):
    moved = []
    for name in ("begin", "add_file", "read"):
        original = getattr(LocalBlobStore, name)

        def spy(self, *args, _name=name, _original=original, **kwargs):
            moved.append((_name, args[0] if args else None))
            return _original(self, *args, **kwargs)

        monkeypatch.setattr(LocalBlobStore, name, spy)
    puts = []
    original_put = LocalBlobStore.put
    monkeypatch.setattr(
        LocalBlobStore, "put", lambda self, content, *a: puts.append(len(content)) or original_put(self, content, *a)
    )
    people.version(dev, name="small", files={"w": b"1"})
    people.version(dev, name="large", files={"w": b"0123456789abcdef" * 2**20})
    weights = {digest_of(b"1"), digest_of(b"0123456789abcdef" * 2**20)}
    moved.clear(), puts.clear()
    people.house.promotion.promote(SYSTEM, asked(dev, central, "small"))
    small = list(puts)
    puts.clear()
    people.house.promotion.promote(SYSTEM, asked(dev, central, "large"))
    touched = [name for name, digest in moved if name != "read" or digest in weights]
    assert touched == [], "no file of the model was read, copied or uploaded"
    assert len(puts) == len(small) == 1, "the capsule alone is written"
    assert puts[0] < 2000


def test_across_stores_every_byte_is_there_before_the_name(people, dev, far):
    people.version(dev, name="churn", files={"w": b"weights" * 1000, "d/x": b"x"})
    plan = people.house.promotion.plan(SYSTEM, asked(dev, far))
    assert plan.moved == 7001
    people.house.promotion.promote(SYSTEM, asked(dev, far))
    opened = people.house.assets.open(SYSTEM, far.address, MODEL, "churn", "1", "w")
    assert b"".join(opened.read()) == b"weights" * 1000
    assert people.house.promotion.plan(SYSTEM, asked(dev, far)).moved == 0


def test_a_rotten_source_promotes_nothing(people, dev, far):
    people.version(dev, name="churn", files={"w": b"weights"})
    store = people.house.stores.for_scope(dev)[1]
    path = store.path(people.house.assets.manifest(SYSTEM, dev.address, MODEL, "churn", "1").files[0].digest)
    path.chmod(0o644)
    path.write_bytes(b"we1ghts")
    with pytest.raises(Exception, match="expected sha256"):
        people.house.promotion.promote(SYSTEM, asked(dev, far))
    with pytest.raises(NotFoundError):
        people.house.assets.get(SYSTEM, far.address, MODEL, "churn", "1")


def test_a_copy_that_breaks_off_leaves_no_name_and_goes_on_next_time(people, dev, far, monkeypatch):
    people.version(dev, name="churn", files={f"f{n}": bytes([n]) * 100 for n in range(20)})
    original, calls = LocalBlobStore.add_file, []

    def breaking(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 7:
            raise UnavailableError("the disk went away")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(LocalBlobStore, "add_file", breaking)
    with pytest.raises(UnavailableError):
        people.house.promotion.promote(SYSTEM, asked(dev, far))
    with pytest.raises(NotFoundError):
        people.house.assets.get(SYSTEM, far.address, MODEL, "churn", "1")
    assert people.house.promotion.promote(SYSTEM, asked(dev, far)).version == "1"


def test_two_at_once_make_one(people, dev, central):
    people.version(dev, name="churn", files={"w": b"w"})
    made, barrier = [], threading.Barrier(4)

    def promote():
        barrier.wait()
        made.append(people.house.promotion.promote(SYSTEM, asked(dev, central)).id)

    threads = [threading.Thread(target=promote) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(made) == 4
    assert len(set(made)) == 1


def test_promotion_needs_the_source_bytes_and_the_right_to_write_the_target(people, dev, central):
    people.version(dev, name="churn")
    only_dev = people.somebody("only-dev", data_scientist=dev.path)
    with pytest.raises(NotFoundError, match="registry 'central'"):
        people.house.promotion.promote(only_dev, asked(dev, central))
    reads_both = people.somebody("reads-both", reader="/")
    with pytest.raises(ForbiddenError, match="assets/write"):
        people.house.promotion.promote(reads_both, asked(dev, central))
    only_registry = people.somebody("only-registry", registry_user=central.path)
    with pytest.raises(NotFoundError, match="workspace 'dev'"):
        people.house.promotion.promote(only_registry, asked(dev, central))


def test_a_version_goes_from_registry_to_registry(people, dev, central, far):
    people.version(dev, name="churn")
    people.house.promotion.promote(SYSTEM, asked(dev, central))
    made = people.house.promotion.promote(SYSTEM, asked(central, far))
    first = people.house.assets.get(SYSTEM, central.address, MODEL, "churn", "1")
    assert made.capsule == first.capsule, "the seal of the first promotion travels on"


def test_a_missing_source_is_named(people, dev, central):
    with pytest.raises(NotFoundError, match="'nothing'"):
        people.house.promotion.promote(SYSTEM, asked(dev, central, "nothing"))
    gone = Promotion(source=dev.address, kind=MODEL, name="x", target=ScopeAddress(central.kind, "nowhere"))
    with pytest.raises(NotFoundError, match="nowhere"):
        people.house.promotion.promote(SYSTEM, gone)
