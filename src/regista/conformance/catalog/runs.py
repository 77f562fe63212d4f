"""Run data, experiments, and the search for runs."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import msgspec
import pytest

from regista.conformance.catalog.case import CatalogCase, every
from regista.conformance.catalog.examples import FOREIGN_CURSORS, UNUSUAL, added_job, job, workspace
from regista.conformance.catalog.histories import whole
from regista.entities.job import JobStatus
from regista.entities.page import PageRequest
from regista.entities.run import Dataset, Experiment, Metric
from regista.entities.search import Clause, Field, Order
from regista.errors import AlreadyExistsError, InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction


class MetricContract(CatalogCase):
    """``tx.runs``: metrics."""

    def test_a_history_is_in_the_order_of_step_time_and_value(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        logged = [Metric("loss", 0.5, 20, 2), Metric("loss", 0.7, 30, 1), Metric("loss", 0.6, 10, 2)]
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [*logged, Metric("other", 1.0, 1)]))
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("loss", 0.4, 10, 2)]))
        assert whole(catalog, run.id, "loss") == [
            Metric("loss", 0.7, 30, 1),
            Metric("loss", 0.4, 10, 2),
            Metric("loss", 0.6, 10, 2),
            Metric("loss", 0.5, 20, 2),
        ]
        assert whole(catalog, run.id, "absent") == []

    def test_the_latest_is_the_greatest_step_then_time_then_value(self, catalog: Catalog) -> None:
        run, other = added_job(catalog), added_job(catalog, "other")
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("b", 9.0, 9, 3), Metric("a", 1.0, 1)]))
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("b", 8.0, 99, 2), Metric("b", 10.0, 9, 3)]))
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("b", 7.0, 9, 3)]))
        assert catalog.read(lambda tx: tx.runs.latest_metrics([run.id, other.id])) == {
            run.id: [Metric("a", 1.0, 1), Metric("b", 10.0, 9, 3)]
        }

    def test_the_same_measurement_twice_is_one(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        same = Metric("loss", 0.1, 5, 1)
        for _ in range(2):
            catalog.write(lambda tx: tx.runs.log_metrics(run.id, [same, same]))
        assert whole(catalog, run.id, "loss") == [same]

    def test_what_is_not_a_number_is_kept(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        values = [math.nan, math.inf, -math.inf, 5e-324, -0.0, 1.7976931348623157e308]
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("x", v, 1, n) for n, v in enumerate(values)]))
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("nan", math.nan, 1), Metric("nan", math.nan, 1)]))
        kept = [metric.value for metric in whole(catalog, run.id, "x")]
        assert math.isnan(kept[0])
        assert kept[1:] == values[1:]
        assert len(whole(catalog, run.id, "nan")) == 1
        latest = catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id]
        assert math.isnan(latest[0].value)

    def test_numbers_beyond_64_bits_are_refused(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        for large in (Metric("x", 1.0, 2**63), Metric("x", 1.0, 1, 2**70)):
            for metrics in ([large], [Metric("x", 1.0, n) for n in range(500)] + [large]):
                with pytest.raises(InvalidError):
                    catalog.write(lambda tx, metrics=metrics: tx.runs.log_metrics(run.id, metrics))  # type: ignore[misc]
        assert whole(catalog, run.id, "x") == []

    def test_times_in_milliseconds_fit(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        late = Metric("x", 1.0, 2**62, 2**62)
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [late, Metric("x", 2.0, -5, -5)]))
        assert whole(catalog, run.id, "x") == [Metric("x", 2.0, -5, -5), late]

    def test_many_metrics_are_logged_in_one_call(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        metrics = [Metric(f"k{n % 500}", float(n), n, n) for n in range(2000)]
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, metrics))
        for again in ([], metrics, metrics[::-1] + [Metric("k7", -1.0, 7, 7)] * 200):
            catalog.write(lambda tx, again=again: tx.runs.log_metrics(run.id, again))  # type: ignore[misc]
        assert len(catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id]) == 500
        assert [metric.value for metric in whole(catalog, run.id, "k7")] == [-1.0, 7.0, 507.0, 1007.0, 1507.0]

    def test_batches_of_any_kind_are_what_they_are_one_by_one(self, catalog: Catalog) -> None:
        run, chance = added_job(catalog), Random(7)  # noqa: S311 - the same each time
        values = (math.nan, math.inf, -math.inf, -0.5, 0.25, 1.0)
        logged: dict[str, set[tuple[int, int, bool, float]]] = {}
        batches: list[list[Metric]] = []
        for size in (1, 2, 3, 120, 40, 7, 400, 1, 2500):
            batch = [
                Metric(f"k{chance.randrange(30)}", chance.choice(values), chance.randrange(4), chance.randrange(-2, 9))
                for _ in range(size)
            ]
            batches.append([*batch, *chance.choices(batch, k=size // 2)])
        for batch in (*batches, *batches[::-1]):  # each a second time, as who got no answer sends it
            catalog.write(lambda tx, batch=batch: tx.runs.log_metrics(run.id, batch))  # type: ignore[misc]
            for one in batch:
                number = not math.isnan(one.value)
                place = (one.step, one.timestamp, number, one.value if number else 0.0)
                logged.setdefault(one.key, set()).add(place)
        latest = catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id]
        assert [one.key for one in latest] == sorted(logged)
        for one in latest:
            expected = [
                Metric(one.key, value if number else math.nan, at, step)
                for step, at, number, value in sorted(logged[one.key])
            ]
            assert str(whole(catalog, run.id, one.key)) == str(expected)
            assert str(one) == str(expected[-1])

    def test_eight_threads_log_batches_to_one_run_and_to_their_own(self, catalog: Catalog) -> None:
        runs = [added_job(catalog, f"r{number}") for number in range(5)]

        def log(number: int) -> None:
            for which in (0, 1 + number % 4):
                batch = [Metric(f"k{n}", float(number), number, n % 3) for n in range(100)]
                catalog.write(lambda tx, run=runs[which], batch=batch: tx.runs.log_metrics(run.id, batch))  # type: ignore[misc]

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(log, range(16)))
        assert [one.value for one in whole(catalog, runs[0].id, "k5")] == [float(number) for number in range(16)]
        for at, run in enumerate(runs):
            latest = catalog.read(lambda tx, run=run: tx.runs.latest_metrics([run.id]))[run.id]  # type: ignore[misc]
            assert {one.value for one in latest} == {float(15 if at == 0 else 11 + at)}
            assert len(latest) == 100

    def test_sixteen_threads_log_to_one_run(self, catalog: Catalog) -> None:
        run = added_job(catalog)

        def log(number: int) -> None:
            for step in range(5):
                metric = Metric("loss", float(number), 1, number * 5 + step)
                catalog.write(lambda tx, metric=metric: tx.runs.log_metrics(run.id, [metric]))  # type: ignore[misc]

        with ThreadPoolExecutor(16) as threads:
            list(threads.map(log, range(16)))
        assert [metric.step for metric in whole(catalog, run.id, "loss")] == list(range(80))
        assert catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id] == [Metric("loss", 15.0, 1, 79)]

    def test_a_job_that_is_not_there_is_not_found(self, catalog: Catalog) -> None:
        with pytest.raises(NotFoundError, match="nobody"):
            catalog.write(lambda tx: tx.runs.log_metrics("nobody", [Metric("x", 1.0, 1)]))
        with pytest.raises(NotFoundError, match="nobody"):
            catalog.write(lambda tx: tx.runs.set_tags("nobody", {"a": "b"}))


class RunDataContract(CatalogCase):
    """``tx.runs``: parameters, tags and data sets."""

    def test_parameters_are_written_once(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        catalog.write(lambda tx: tx.runs.log_params(run.id, {"b": UNUSUAL, "a": "1"}))
        catalog.write(lambda tx: tx.runs.log_params(run.id, {"a": "1", "c": "x" * 6000}))
        with pytest.raises(InvalidError, match="'a'"):
            catalog.write(lambda tx: tx.runs.log_params(run.id, {"d": "4", "a": "2"}))
        found = catalog.read(lambda tx: tx.runs.params([run.id, "nobody"]))
        assert found == {run.id: {"a": "1", "b": UNUSUAL, "c": "x" * 6000}}

    def test_tags_are_set_replaced_and_deleted(self, catalog: Catalog) -> None:
        run, other = added_job(catalog), added_job(catalog, "other")
        catalog.write(lambda tx: tx.runs.set_tags(run.id, {"a": "1", "b": "2"}))
        catalog.write(lambda tx: tx.runs.set_tags(run.id, {"a": UNUSUAL}))
        catalog.write(lambda tx: tx.runs.set_tags(other.id, {"a": ""}))
        assert catalog.read(lambda tx: tx.runs.tags([run.id, other.id])) == {
            run.id: {"a": UNUSUAL, "b": "2"},
            other.id: {"a": ""},
        }
        assert catalog.write(lambda tx: tx.runs.delete_tag(run.id, "a"))
        assert not catalog.write(lambda tx: tx.runs.delete_tag(run.id, "a"))
        assert catalog.read(lambda tx: tx.runs.tags([run.id])) == {run.id: {"b": "2"}}
        assert catalog.read(lambda tx: tx.runs.tags([])) == {}

    def test_putting_the_job_leaves_its_data_alone(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        catalog.write(lambda tx: tx.runs.set_tags(run.id, {"a": "1"}))
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("m", 1.0, 1)]))
        catalog.write(lambda tx: tx.jobs.put(msgspec.structs.replace(run, status=JobStatus.COMPLETED)))
        assert catalog.read(lambda tx: tx.runs.tags([run.id])) == {run.id: {"a": "1"}}
        assert catalog.read(lambda tx: tx.runs.latest_metrics([run.id]))[run.id] == [Metric("m", 1.0, 1)]

    def test_data_sets_come_in_the_order_of_adding(self, catalog: Catalog) -> None:
        run = added_job(catalog)
        made = [Dataset(name=name, digest="d", source=UNUSUAL, tags={"context": "train"}) for name in ("z", "a")]
        catalog.write(lambda tx: tx.runs.add_datasets(run.id, made))
        changed = msgspec.structs.replace(made[0], profile="{}")
        catalog.write(lambda tx: tx.runs.add_datasets(run.id, [changed, Dataset(name="z", digest="other")]))
        assert catalog.read(lambda tx: tx.runs.datasets([run.id]))[run.id] == [
            changed,
            made[1],
            Dataset(name="z", digest="other"),
        ]
        assert catalog.read(lambda tx: tx.runs.datasets(["nobody"])) == {}


class ExperimentContract(CatalogCase):
    """``tx.experiments``."""

    def test_the_default_is_number_0_and_always_there(self, catalog: Catalog) -> None:
        made = workspace()
        catalog.write(lambda tx: tx.scopes.add(made))
        found = catalog.read(lambda tx: tx.experiments.get(made.id, 0))
        assert (found.number, found.name) == (0, "Default")
        assert catalog.read(lambda tx: tx.experiments.find(made.id, "Default")) == found
        assert catalog.write(lambda tx: tx.experiments.ensure(made.id, "Default", 5)) == found
        assert self.experiment_names(catalog, made.id) == ["Default"]
        with pytest.raises(AlreadyExistsError):
            catalog.write(lambda tx: tx.experiments.add(made.id, "Default", {}, 1))

    def test_data_sets_of_living_runs_come_last_said_first(self, catalog: Catalog) -> None:
        for number in range(4):
            made = msgspec.structs.replace(job(f"r{number}"), experiment=number % 2, deleted=number == 2)
            said = Dataset(name=f"d{number}", digest=UNUSUAL, tags={"a": "b"})
            catalog.write(lambda tx, made=made: tx.jobs.add(made))  # type: ignore[misc]
            catalog.write(lambda tx, made=made, said=said: tx.runs.add_datasets(made.id, [said]))  # type: ignore[misc]

        def used(*numbers: int) -> list[tuple[int, str, str]]:
            found = every(lambda request: catalog.read(lambda tx: tx.experiments.datasets("w", numbers, request)), 1)
            return [(one.experiment, one.run, one.dataset.name) for one in found]

        assert used(0, 1) == [(1, "r3", "d3"), (1, "r1", "d1"), (0, "r0", "d0")]
        assert used(0) == [(0, "r0", "d0")]
        assert used() == []
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.experiments.datasets("w", [0], PageRequest(2, FOREIGN_CURSORS[0])))

    def test_numbers_count_up_in_each_workspace(self, catalog: Catalog) -> None:
        made = catalog.write(lambda tx: tx.experiments.add("w", "one", {"a": "b"}, 5))
        expected = Experiment(scope_id="w", number=1, name="one", tags={"a": "b"}, created_at=5, updated_at=5)
        assert made == expected
        assert catalog.write(lambda tx: tx.experiments.ensure("w", "two", 6)).number == 2
        assert catalog.write(lambda tx: tx.experiments.ensure("w", "two", 7)).number == 2
        assert catalog.write(lambda tx: tx.experiments.add("x", "one", {}, 5)).number == 1
        assert catalog.read(lambda tx: tx.experiments.get("w", 1)) == expected
        assert catalog.read(lambda tx: tx.experiments.find("w", "nothing")) is None
        with pytest.raises(NotFoundError):
            catalog.read(lambda tx: tx.experiments.get("w", 99))

    def test_a_name_is_taken_also_by_a_deleted_one(self, catalog: Catalog) -> None:
        made = catalog.write(lambda tx: tx.experiments.add("w", "one", {}, 5))
        gone = msgspec.structs.replace(made, deleted=True)
        catalog.write(lambda tx: tx.experiments.put(gone))
        assert catalog.read(lambda tx: tx.experiments.find("w", "one")) == gone
        with pytest.raises(AlreadyExistsError, match="'one'"):
            catalog.write(lambda tx: tx.experiments.add("w", "one", {}, 6))

    def test_renaming_to_a_taken_name_is_refused(self, catalog: Catalog) -> None:
        catalog.write(lambda tx: tx.experiments.add("w", "one", {}, 5))
        two = catalog.write(lambda tx: tx.experiments.add("w", "two", {}, 5))
        with pytest.raises(AlreadyExistsError, match="'one'"):
            catalog.write(lambda tx: tx.experiments.put(msgspec.structs.replace(two, name="one")))
        catalog.write(lambda tx: tx.experiments.put(msgspec.structs.replace(two, name="three")))
        assert catalog.read(lambda tx: tx.experiments.find("w", "two")) is None

    def test_searches_filter_and_sort(self, catalog: Catalog) -> None:
        def fill(tx: Transaction) -> None:
            tx.scopes.add(msgspec.structs.replace(workspace(), id="w"))
            for number, name in enumerate(("beta", "Alpha", "gamma")):
                made = tx.experiments.add("w", name, {"team": "red" if number else "blue"}, 10 + number)
                if name == "gamma":
                    tx.experiments.put(msgspec.structs.replace(made, deleted=True))

        catalog.write(fill)
        assert self.experiment_names(catalog) == ["Alpha", "beta", "Default"]
        assert self.experiment_names(catalog, deleted=True) == ["gamma"]
        assert self.experiment_names(catalog, deleted=None) == ["gamma", "Alpha", "beta", "Default"]
        assert self.experiment_names(catalog, order=[Order(Field.ATTRIBUTE, "name")]) == ["Alpha", "Default", "beta"]
        assert self.experiment_names(catalog, clauses=[Clause(Field.TAG, "team", "=", "red")]) == ["Alpha"]
        assert self.experiment_names(catalog, clauses=[Clause(Field.ATTRIBUTE, "name", "ILIKE", "%LPH%")]) == ["Alpha"]
        assert self.experiment_names(catalog, clauses=[Clause(Field.ATTRIBUTE, "creation_time", ">=", 11.0)]) == [
            "Alpha"
        ]
        assert self.experiment_names(catalog, clauses=[Clause(Field.ATTRIBUTE, "experiment_id", "=", "1")]) == ["beta"]
        with pytest.raises(InvalidError):
            self.experiment_names(catalog, clauses=[Clause(Field.METRIC, "loss", ">", 1.0)])

    def experiment_names(
        self,
        catalog: Catalog,
        scope_id: str = "w",
        clauses: Sequence[Clause] = (),
        order: Sequence[Order] = (),
        deleted: bool | None = False,
    ) -> list[str]:
        """The names in all pages."""
        return [
            found.name
            for found in every(
                lambda request: catalog.read(
                    lambda tx: tx.experiments.search(scope_id, clauses, order, request, deleted=deleted)
                )
            )
        ]


def metric(operator: str, value: float) -> Clause:
    """A clause on the metric ``loss``."""
    return Clause(Field.METRIC, "loss", operator, value)


class RunSearchContract(CatalogCase):
    """``tx.jobs.search``."""

    def test_runs_are_found_by_metric(self, catalog: Catalog) -> None:
        self.fill(catalog)
        assert self.run_names(catalog, metric(">", 0.35)) == ["r5", "r4"]
        assert self.run_names(catalog, metric(">=", 0.3), metric("<", 0.5)) == ["r4", "r3"]
        assert self.run_names(catalog, metric("=", 0.1)) == ["r1"]
        assert self.run_names(catalog, metric("!=", 0.1)) == ["nan", "r5", "r4", "r3", "r2", "r0"]
        assert self.run_names(catalog, Clause(Field.METRIC, "loss", "IS NULL")) == ["bare"]

    def test_runs_are_found_by_tag_and_parameter(self, catalog: Catalog) -> None:
        self.fill(catalog)
        odd = Clause(Field.TAG, "parity", "=", "odd")
        assert self.run_names(catalog, odd) == ["r5", "r3", "r1"]
        assert self.run_names(catalog, odd, metric(">", 0.2)) == ["r5", "r3"]
        assert self.run_names(catalog, Clause(Field.TAG, "parity", "!=", "odd")) == ["r4", "r2", "r0"]
        assert self.run_names(catalog, Clause(Field.TAG, "parity", "LIKE", "_dd")) == ["r5", "r3", "r1"]
        assert self.run_names(catalog, Clause(Field.TAG, "parity", "LIKE", "*")) == []
        assert self.run_names(catalog, Clause(Field.PARAM, "lr", "=", "2")) == ["r2"]
        assert self.run_names(catalog, Clause(Field.PARAM, "lr", "IN", ("1", "4", "x"))) == ["r4", "r1"]
        assert self.run_names(catalog, Clause(Field.PARAM, "lr", "IS NOT NULL"), odd) == ["r5", "r3", "r1"]
        assert self.run_names(catalog, Clause(Field.PARAM, "lr", "IN", ())) == []

    def test_runs_are_found_by_attribute(self, catalog: Catalog) -> None:
        self.fill(catalog)

        def by(key: str, operator: str, value: str | float | None = None) -> list[str]:
            return self.run_names(catalog, Clause(Field.ATTRIBUTE, key, operator, value))

        assert by("run_id", "=", "r3") == ["r3"]
        assert by("run_name", "LIKE", "Run%") == ["r5", "r4", "r3", "r2", "r1", "r0"]
        assert by("run_name", "LIKE", "run%") == []
        assert by("run_name", "ILIKE", "run 2") == ["r2"]
        assert by("status", "=", "Completed") == ["r5", "r4", "r3", "r2", "r1", "r0"]
        assert by("start_time", ">", 1003.0) == ["r5", "r4"]
        assert by("start_time", "=", "1003") == ["r3"]
        assert by("end_time", "IS NULL") == ["nan", "bare", "r5", "r4", "r3", "r2", "r1", "r0"]
        assert by("user_id", "=", "ann") == ["r5", "r4", "r3", "r2", "r1", "r0"]

    def test_wrong_questions_are_invalid(self, catalog: Catalog) -> None:
        for clause in (
            Clause(Field.ATTRIBUTE, "color", "=", "x"),
            Clause(Field.ATTRIBUTE, "start_time", "=", "noon"),
            Clause(Field.ATTRIBUTE, "run_id", "~", "x"),
            Clause(Field.ATTRIBUTE, "run_id", "=", 5.0),
            Clause(Field.METRIC, "loss", "LIKE", "x"),
            Clause(Field.METRIC, "loss", ">", "x"),
            Clause(Field.TAG, "t", "IN", "x"),
            Clause(Field.TAG, "t", "LIKE", "%" * 6000),
        ):
            with pytest.raises(InvalidError):
                self.run_names(catalog, clause)
        with pytest.raises(InvalidError):
            self.run_names(catalog, order=[Order(Field.ATTRIBUTE, "color")])

    def test_runs_are_sorted_with_the_valueless_last(self, catalog: Catalog) -> None:
        self.fill(catalog)

        def sorted_by(*order: Order) -> list[str]:
            return self.run_names(catalog, order=order)

        numbers = ["r0", "r1", "r2", "r3", "r4", "r5"]
        assert sorted_by(Order(Field.METRIC, "loss")) == [*numbers, "nan", "bare"]
        assert sorted_by(Order(Field.METRIC, "loss", ascending=False)) == [*numbers[::-1], "nan", "bare"]
        assert sorted_by(Order(Field.PARAM, "lr", ascending=False)) == [*numbers[::-1], "nan", "bare"]
        assert sorted_by(Order(Field.ATTRIBUTE, "start_time")) == [*numbers, "nan", "bare"]
        assert sorted_by(Order(Field.ATTRIBUTE, "start_time", ascending=False)) == [*numbers[::-1], "nan", "bare"]
        assert sorted_by(Order(Field.ATTRIBUTE, "end_time"), Order(Field.ATTRIBUTE, "run_id")) == [
            "bare",
            "nan",
            *numbers,
        ]
        parity = sorted_by(Order(Field.TAG, "parity"), Order(Field.METRIC, "loss", ascending=False))
        assert parity == ["r4", "r2", "r0", "r5", "r3", "r1", "nan", "bare"]
        assert self.run_names(catalog) == ["nan", "bare", *numbers[::-1]]

    def test_deleted_runs_and_other_experiments_are_left_out(self, catalog: Catalog) -> None:
        added_job(catalog, "a", experiment=1)
        added_job(catalog, "b", experiment=2, deleted=True)
        added_job(catalog, "c", experiment=2)
        added_job(catalog, "d", experiment=1, scope_id="x")
        assert self.run_names(catalog, experiments=(1, 2)) == ["c", "a"]
        assert self.run_names(catalog, experiments=(1,)) == ["a"]
        assert self.run_names(catalog, experiments=(1, 2), deleted=True) == ["b"]
        assert self.run_names(catalog, experiments=(1, 2), deleted=None) == ["c", "b", "a"]
        assert self.run_names(catalog, experiments=()) == []

    def test_few_runs_of_an_experiment_are_found_beside_many_of_others_with_the_tag(self, catalog: Catalog) -> None:
        def add(tx: Transaction) -> None:
            for number in range(1200):
                made = job(f"r{number}", experiment=number % 100 if number < 300 else 100, created_at=number)
                tx.jobs.add(made)
                tx.runs.set_tags(made.id, {"parity": "odd"})

        catalog.write(add)
        odd = Clause(Field.TAG, "parity", "=", "odd")
        assert self.run_names(catalog, odd, experiments=(7,)) == ["r207", "r107", "r7"]
        assert len(self.run_names(catalog, odd, experiments=(100,))) == 900
        assert self.run_names(catalog, odd, Clause(Field.TAG, "parity", "=", "even"), experiments=(7,)) == []
        oldest = [Order(Field.ATTRIBUTE, "created")]
        assert self.run_names(catalog, odd, order=oldest, experiments=(7, 8))[:3] == ["r7", "r8", "r107"]

    @pytest.mark.parametrize("cursor", FOREIGN_CURSORS)
    def test_a_foreign_cursor_for_runs_is_invalid(self, catalog: Catalog, cursor: str) -> None:
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.jobs.search("w", [0], [], [], PageRequest(10, cursor)))

    def test_a_cursor_of_another_order_is_invalid(self, catalog: Catalog) -> None:
        self.fill(catalog)
        order = [Order(Field.METRIC, "loss")]
        cursor = catalog.read(lambda tx: tx.jobs.search("w", [0], [], order, PageRequest(2))).next
        assert cursor is not None
        with pytest.raises(InvalidError):
            catalog.read(lambda tx: tx.jobs.search("w", [0], [], [], PageRequest(2, cursor)))

    def fill(self, catalog: Catalog) -> None:
        """Six runs with all there is, one whose metric is not a number, one with nothing."""
        for number in range(6):
            run = added_job(
                catalog,
                f"r{number}",
                display_name=f"Run {number}",
                status=JobStatus.COMPLETED,
                started_at=1000 + number,
                created_at=number,
                created_by="ann",
            )
            catalog.write(lambda tx, run=run, number=number: self.measure(tx, run.id, number))  # type: ignore[misc]
        added_job(catalog, "bare", created_at=50)
        run = added_job(catalog, "nan", created_at=60)
        catalog.write(lambda tx: tx.runs.log_metrics(run.id, [Metric("loss", math.nan, 1)]))

    def measure(self, tx: Transaction, run_id: str, number: int) -> None:
        """What is known of one run."""
        tx.runs.log_metrics(run_id, [Metric("loss", 99.0, 1, 0), Metric("loss", number / 10, 1, 1)])
        tx.runs.log_params(run_id, {"lr": str(number)})
        tx.runs.set_tags(run_id, {"parity": "odd" if number % 2 else "even"})

    def run_names(
        self,
        catalog: Catalog,
        *clauses: Clause,
        order: Sequence[Order] = (),
        experiments: Sequence[int] = (0,),
        deleted: bool | None = False,
    ) -> list[str]:
        """The names in all pages."""
        return [
            found.name
            for found in every(
                lambda request: catalog.read(
                    lambda tx: tx.jobs.search("w", experiments, clauses, order, request, deleted=deleted)
                )
            )
        ]
