"""Webhooks as MLflow's client makes them, and what its receivers are told."""

import pytest

from regista.bootstrap.house import build_house
from regista.bootstrap.settings import Settings
from tests.support.houses import People
from tests.support.mlflow_door import Door, owner_key
from tests.support.receiver import receiving

CREATED = [{"entity": "MODEL_VERSION", "action": "CREATED"}]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with receiving(tmp_path_factory.mktemp("receiver")) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def dev(tmp_path_factory, receiver):
    """The workspace ``dev`` of an installation that may call receivers on this machine."""
    home = tmp_path_factory.mktemp("house")
    settings = Settings(
        home=home, catalog="sqlite://", store=f"file://{home / 's'}", webhook_private=True, webhook_ca=str(receiver.ca)
    )
    house = build_house(settings)
    people = People(house)
    people.workspace("dev")
    people.registry("central")
    yield Door(house, "/mlflow/workspaces/dev", owner_key(house))
    house.audit_book.close()
    house.catalog.close()


@pytest.fixture
def central(dev):
    return dev.at("/mlflow/registries/central")


def tell(door):
    while threads := door.house.deliverer.look():
        for thread in threads:
            thread.join(20)


def hook(door, receiver, path, *events, **fields):
    pairs = [event.upper().split(".") for event in events]
    asked = [{"entity": entity, "action": action} for entity, action in pairs]
    made = door.post("webhooks", name="h", url=f"{receiver.url}{path}", events=asked or CREATED, **fields)["webhook"]
    return made["webhook_id"]


def told(receiver, path):
    return [(f"{one.json['entity']}.{one.json['action']}", one.json["data"]) for one in receiver.at(f"/{path}")]


class TestRoutes:
    def test_a_webhook_is_made_shown_changed_and_deleted(self, central, receiver):
        fields = {"name": "my-hook", "url": f"{receiver.url}a", "events": CREATED, "description": "d", "secret": "s"}
        made = central.post("webhooks", **fields)["webhook"]
        assert made["events"] == CREATED
        assert (made["status"], made["description"]) == ("ACTIVE", "d")
        assert "secret" not in made
        assert isinstance(made["creation_timestamp"], int)
        place = f"webhooks/{made['webhook_id']}"
        assert central.get(place)["webhook"] == made
        events = [*CREATED, {"entity": "PROMPT", "action": "CREATED"}]
        answer = central.send("PATCH", place, name="new", status="DISABLED", events=events, description="")
        changed = answer.json["webhook"]
        assert (changed["name"], changed["status"], changed["url"]) == ("new", "DISABLED", made["url"])
        assert changed["events"] == events
        assert "description" not in changed
        assert made["webhook_id"] in [one["webhook_id"] for one in central.get("webhooks")["webhooks"]]
        assert central.send("DELETE", place).content == b"{}"
        assert central.refused("GET", place).startswith("RESOURCE_DOES_NOT_EXIST")

    def test_they_are_listed_in_pages(self, dev, receiver):
        made = [hook(dev, receiver, "p") for _ in range(3)]
        first = dev.get("webhooks", max_results=2)
        second = dev.get("webhooks", max_results=2, page_token=first["next_page_token"])
        found = [one["webhook_id"] for one in (*first["webhooks"], *second["webhooks"])]
        assert found == made
        assert "next_page_token" not in second
        for one in made:
            dev.send("DELETE", f"webhooks/{one}")

    @pytest.mark.parametrize(
        "wrong",
        [{"name": "a b"}, {"url": "http://a.example"}, {"url": ""}, {"events": []}, {"status": "SLEEPING"},
         {"events": [{"entity": "MODEL_VERSION", "action": "UPDATED"}]}, {"events": [{"entity": "X", "action": "CREATED"}]}],
    )  # fmt: skip
    def test_what_is_none_is_refused(self, central, receiver, wrong):
        fields = {"name": "a", "url": receiver.url, "events": CREATED} | wrong
        assert central.refused("POST", "webhooks", **fields).startswith("INVALID_PARAMETER_VALUE")

    def test_a_try_says_what_the_receiver_answered(self, central, receiver):
        for status, success in ((200, True), (302, True), (404, False), (500, False)):
            made = hook(central, receiver, f"{status}", secret="s")
            result = central.post(f"webhooks/{made}/test")["result"]
            assert (result["success"], result["response_status"]) == (success, status)
        assert receiver.at("/200")[-1].is_signed_with("s")
        event = {"entity": "PROMPT_TAG", "action": "SET"}
        assert central.post(f"webhooks/{made}/test", event=event)["result"]["success"] is False
        assert told(receiver, "500")[-1][0] == "prompt_tag.set"
        dead = central.send("PATCH", f"webhooks/{made}", url="https://127.0.0.1:1/x").json["webhook"]["webhook_id"]
        result = central.post(f"webhooks/{dead}/test")["result"]
        assert result["success"] is False
        assert "refused" in result["error_message"]


class TestEvents:
    def test_of_models_are_told_as_mlflow_does(self, dev, receiver):
        made = hook(
            dev, receiver, "models", "registered_model.created", "model_version.created", "model_version_tag.set",
            "model_version_tag.deleted", "model_version_alias.created", "model_version_alias.deleted",
        )  # fmt: skip
        run = dev.run()
        dev.put(f"runs/{run}/model/MLmodel", b"flavors: {}\n")
        dev.post("registered-models/create", name="m", tags=[{"key": "a", "value": "b"}], description="about")
        source = f"runs:/{run}/model"
        dev.post("model-versions/create", name="m", source=source, run_id=run, tags=[{"key": "c", "value": "d"}])
        dev.post("model-versions/set-tag", name="m", version="1", key="k", value="v")
        dev.send("DELETE", "model-versions/delete-tag", name="m", version="1", key="k")
        dev.post("registered-models/alias", name="m", alias="best", version="1")
        dev.send("DELETE", "registered-models/alias", name="m", alias="best")
        tell(dev)
        version = {"name": "m", "version": "1"}
        found = told(receiver, "models")
        assert found[0] == ("registered_model.created", {"name": "m", "tags": {"a": "b"}, "description": "about"})
        assert found[1][0] == "model_version.created"
        assert found[1][1] | {"tags": {}} == version | {
            "source": source,
            "run_id": run,
            "tags": {},
            "description": None,
        }
        assert found[1][1]["tags"]["c"] == "d"
        assert found[2:] == [
            ("model_version_tag.set", version | {"key": "k", "value": "v"}),
            ("model_version_tag.deleted", version | {"key": "k"}),
            ("model_version_alias.created", version | {"alias": "best"}),
            ("model_version_alias.deleted", {"name": "m", "alias": "best"}),
        ]
        assert all(one.json["timestamp"].endswith("+00:00") for one in receiver.at("/models"))
        dev.send("DELETE", f"webhooks/{made}")

    def test_of_prompts_have_names_of_their_own(self, central, receiver):
        hook(
            central, receiver, "prompts", "prompt.created", "prompt_version.created", "prompt_tag.set",
            "prompt_tag.deleted", "prompt_version_tag.set", "prompt_alias.created", "model_version.created",
        )  # fmt: skip
        prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
        text = {"key": "mlflow.prompt.text", "value": "Hello {{x}}"}
        central.post("registered-models/create", name="p", tags=[prompt])
        central.post("model-versions/create", name="p", source="dummy-source", tags=[prompt, text])
        central.post("registered-models/set-tag", name="p", key="k", value="v")
        central.send("DELETE", "registered-models/delete-tag", name="p", key="k")
        central.post("model-versions/set-tag", name="p", version="1", key="k", value="v")
        central.post("registered-models/alias", name="p", alias="a", version="1")
        tell(central)
        assert told(receiver, "prompts") == [
            ("prompt.created", {"name": "p", "tags": {}, "description": None}),
            (
                "prompt_version.created",
                {"name": "p", "version": "1", "description": None, "template": "Hello {{x}}", "tags": {"k": "v"}},
            ),
            ("prompt_tag.set", {"name": "p", "key": "k", "value": "v"}),
            ("prompt_tag.deleted", {"name": "p", "key": "k"}),
            ("prompt_version_tag.set", {"name": "p", "version": "1", "key": "k", "value": "v"}),
            ("prompt_alias.created", {"name": "p", "alias": "a", "version": "1"}),
        ]

    def test_a_promoted_version_is_one_that_was_created(self, dev, central, receiver):
        from regista.entities.asset import AssetKind
        from regista.entities.scope import ScopeAddress, ScopeKind
        from regista.services.access.access import SYSTEM
        from regista.services.registry.promotion import Promotion

        hook(central, receiver, "promoted", "registered_model.created", "model_version.created")
        dev.model("moved")
        source, target = ScopeAddress(ScopeKind.WORKSPACE, "dev"), ScopeAddress(ScopeKind.REGISTRY, "central")
        asked = Promotion(source=source, kind=AssetKind.MODEL, name="moved", version="1", target=target)
        dev.house.promotion.promote(SYSTEM, asked)
        tell(dev)
        assert [name for name, _ in told(receiver, "promoted")] == ["registered_model.created", "model_version.created"]
