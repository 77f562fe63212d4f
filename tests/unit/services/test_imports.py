"""Taking over traces and webhooks of another tracking server."""

import pytest
from msgspec import structs

from regista.entities.imported import ImportedExperiment, ImportedRun, ImportedTrace, ImportedWebhook
from regista.entities.llm_trace import Assessment, AssessmentKind
from regista.entities.webhook import WebhookState
from regista.errors import ForbiddenError, InvalidError
from regista.services.access.access import SYSTEM
from regista.services.webhooks.webhooks import WebhookChange

HOOK = ImportedWebhook(
    origin="w-1", name="told", url="https://93.184.216.34/", events=("model_version.created",), created_at=5
)


class TestTraces:
    @pytest.fixture
    def dev(self, people):
        dev = people.workspace("dev")
        imports = people.house.imports
        imports.experiment(SYSTEM, dev.address, ImportedExperiment(name="e", number=7))
        for name in ("one", "two"):
            imports.run(SYSTEM, dev.address, ImportedRun(name=name, experiment=7, started_at=1, deleted=name == "two"))
        return dev

    def put(self, people, dev, **fields):
        told = ImportedTrace(**{"id": "tr-1", "experiment": 7, "started_at": 5, **fields})
        return people.house.llm_traces.put(SYSTEM, dev.address, told.trace())

    def test_it_is_linked_to_runs_that_are_here_and_the_same_again_changes_nothing(self, people, dev):
        thought = Assessment(id="a-1", name="good", kind=AssessmentKind.FEEDBACK, value=True, created_at=3)
        fields = {
            "run": "one",
            "linked": ("two", "absent", "one", "two"),
            "assessments": (thought,),
            "tags": {"a": "1"},
        }
        made = self.put(people, dev, **fields)
        assert (made.run, made.linked, [one.id for one in made.assessments]) == ("one", ("two",), ["a-1"])
        assert self.put(people, dev, **fields) == made
        found = people.house.imports.totals(SYSTEM, dev.address, traces=["tr-1", "tr-1", "tr-none"])
        assert (found.traces, found.assessments, found.tags) == (1, 1, 1)

    @pytest.mark.parametrize(
        "wrong", [{"started_at": -1}, {"started_at": 2**62}, {"duration": -1}, {"duration": 2**62}]
    )
    def test_a_time_that_cannot_be_is_refused(self, people, dev, wrong):
        with pytest.raises(InvalidError, match="a time that cannot be"):
            self.put(people, dev, **wrong)

    def test_so_is_that_of_an_assessment(self, people, dev):
        thought = Assessment(id="a-1", name="good", kind=AssessmentKind.FEEDBACK, created_at=2**62)
        with pytest.raises(InvalidError, match="a time that cannot be"):
            self.put(people, dev, assessments=(thought,))


class TestWebhooks:
    @pytest.fixture
    def central(self, people):
        return people.registry("central")

    def test_one_is_disabled_without_a_secret_and_stays_what_it_becomes_here(self, people, central):
        webhooks = people.house.webhooks
        made = webhooks.take_over(SYSTEM, central.address, HOOK)
        assert (made.state, made.sealed_secret, made.created_at) == (WebhookState.DISABLED, "", 5)
        change = WebhookChange(secret="known", state=WebhookState.ACTIVE, events=("model.*",))
        changed = webhooks.update(SYSTEM, central.address, made.id, change)
        assert webhooks.take_over(SYSTEM, central.address, structs.replace(HOOK, name="other")) == changed
        assert webhooks.list(SYSTEM, central.address) == [changed]
        assert people.house.imports.totals(SYSTEM, central.address, webhooks=[made.id, "none"]).webhooks == 1

    def test_the_same_source_may_be_taken_over_into_two_places(self, people, central):
        other = people.registry("other")
        made = [people.house.webhooks.take_over(SYSTEM, one.address, HOOK).id for one in (central, other)]
        assert len(set(made)) == 2

    @pytest.mark.parametrize("wrong", [{"url": "http://example.com"}, {"events": ("nothing.happened",)}, {"name": ""}])
    def test_what_is_none_here_is_refused(self, people, central, wrong):
        with pytest.raises(InvalidError):
            people.house.webhooks.take_over(SYSTEM, central.address, structs.replace(HOOK, **wrong))

    def test_only_who_may_change_the_scope_may_take_one_over(self, people, central):
        reader = people.somebody("reader", registry_user=central.path)
        with pytest.raises(ForbiddenError):
            people.house.webhooks.take_over(reader, central.address, HOOK)
        assert people.house.imports.totals(reader, central.address, webhooks=["x"]).webhooks == 0
