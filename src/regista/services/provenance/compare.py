"""Comparing runs across workspaces: develop here, run there, and see whether the result holds."""

import math
import re
from collections.abc import Sequence
from statistics import fmean

import msgspec

from regista.entities.access import Caller
from regista.entities.capsule import JobRecord
from regista.entities.comparison import Comparison, Difference, MetricRow, RunSummary, Verdict
from regista.entities.digest import digest_of
from regista.entities.job import Job, JobType
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.statistics import normal_interval, welch_interval
from regista.errors import InvalidError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.jobs.lookup import readable_job
from regista.services.provenance.lineage import history_of, job_record
from regista.services.scopes.scopes import resolve_scope

TOLERANCE = 0.1
"""How much worse than the first run, relative to it, still counts as holding."""

_LOWER = re.compile(
    r"(^|[_./-])(loss|error|mae|mse|rmse|mape|msle|logloss|deviance|perplexity|wer|cer|brier|regret|latency|seconds)($|[_./-])"
)
_NOT_WHAT_RUNS = frozenset(
    "given node reference value path display_name description tags properties compute default settings force_rerun mode".split()
)
"""Fields of a plan that say what a pipeline runs on, where, or how it is called."""
_ERROR_OF = ("{}_stderr", "{}_standard_error", "{}_se")
_MOST = 20


class _Run(msgspec.Struct):
    """A run with its steps: ``records`` and ``histories`` by step ("" is the run itself)."""

    scope: Scope
    job: Job
    records: dict[str, JobRecord]
    samples: dict[str, list[float]]
    values: dict[str, float]
    pipeline: str


class CompareService:
    """Puts runs side by side."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def compare(
        self,
        caller: Caller,
        jobs: Sequence[tuple[ScopeAddress, str]],
        *,
        tolerance: float = TOLERANCE,
        lower_is_better: Sequence[str] = (),
        higher_is_better: Sequence[str] = (),
    ) -> Comparison:
        """Compare two runs or more. For exactly two, each metric gets a difference, an interval where the runs give one
        (several values of the metric, as of folds; or its standard error logged as ``METRIC_stderr``), and a verdict."""
        if not 2 <= len(jobs) <= _MOST:
            raise InvalidError(
                f"a comparison takes 2 to {_MOST} jobs, not {len(jobs)}", hint="Such as: regista compare dev/J1 prod/J2"
            )
        if not 0 <= tolerance < math.inf:
            raise InvalidError("the tolerance is a share, such as 0.1")
        runs = self._catalog.read(lambda tx: [_load(tx, caller, address, name) for address, name in jobs])
        same = len({run.pipeline for run in runs}) == 1
        senses = dict.fromkeys(lower_is_better, True) | dict.fromkeys(higher_is_better, False)
        rows = _metric_rows(runs, tolerance, senses)
        verdict, why = _sum_up(rows, same, tolerance) if len(runs) == 2 else (None, "")
        return Comparison(
            runs=tuple(_summary(run) for run in runs),
            metrics=tuple(rows),
            differences=tuple(_differences(runs)),
            same_pipeline=same,
            verdict=verdict,
            explanation=why,
        )


def _load(tx: Transaction, caller: Caller, address: ScopeAddress, name: str) -> _Run:
    scope = resolve_scope(tx, caller, address)
    job = readable_job(tx, caller, scope, name)
    run = _Run(scope, job, {}, {}, {}, _pipeline_identity(job))
    _add(tx, run, job, "")
    return run


def _add(tx: Transaction, run: _Run, job: Job, place: str) -> None:
    """The job and, for a pipeline, every step below it, each under its path of node names."""
    run.records[place] = job_record(tx, run.scope, job)
    for one in history_of(tx, job.id):
        run.samples.setdefault(f"{place}/{one.key}" if place else one.key, []).append(one.value)
    for key, value in run.records[place].metrics.items():
        run.values[f"{place}/{key}" if place else key] = math.nan if value is None else value
    for step in tx.jobs.children(run.scope.id, job.name) if job.type is JobType.PIPELINE else ():
        origin = tx.jobs.find(run.scope.id, step.reused_from) if step.reused_from else None
        _add(tx, run, step, f"{place}/{step.node}" if place else step.node)
        if origin is not None:  # a reused step measured nothing itself: what it took over counts
            _add_reused(tx, run, origin, f"{place}/{step.node}" if place else step.node)


def _add_reused(tx: Transaction, run: _Run, origin: Job, place: str) -> None:
    for one in history_of(tx, origin.id):
        run.samples.setdefault(f"{place}/{one.key}", []).append(one.value)
        run.values.setdefault(f"{place}/{one.key}", one.value)


def _pipeline_identity(job: Job) -> str:
    """What was run, whatever it was run on: the plan without its data, its names and its parameters."""

    def bare(value: object) -> object:
        if isinstance(value, dict):
            return {
                key: bare(inner)
                for key, inner in value.items()
                if key not in _NOT_WHAT_RUNS and not _is_component(key, inner)
            }
        return [bare(inner) for inner in value] if isinstance(value, list) else value

    return digest_of(msgspec.json.encode(bare(job.spec), order="sorted"))


def _is_component(key: str, value: object) -> bool:
    """Whether this only names the component that the plan was read from: the plan itself says what runs."""
    return key == "component" and isinstance(value, dict) and "manifest" in value


def _summary(run: _Run) -> RunSummary:
    return RunSummary(
        workspace=run.scope.name,
        name=run.job.name,
        display_name=run.job.display_name,
        status=run.job.status,
        pipeline=run.pipeline,
        started_at=run.job.started_at,
        ended_at=run.job.ended_at,
    )


def _metric_rows(runs: Sequence[_Run], tolerance: float, senses: dict[str, bool]) -> list[MetricRow]:
    names = dict.fromkeys(name for run in runs for name in sorted(run.values))
    rows = []
    for name in names:
        values = tuple(run.values.get(name) for run in runs)
        if len(runs) == 2 and None not in values and not name.endswith(("_stderr", "_standard_error", "_se")):
            rows.append(_judged(name, runs[0], runs[1], tolerance, senses))
        else:
            rows.append(MetricRow(metric=name, values=values))
    return rows


def _judged(name: str, first: _Run, second: _Run, tolerance: float, senses: dict[str, bool]) -> MetricRow:
    a, b = first.values[name], second.values[name]
    difference, interval, basis = b - a, None, ""
    samples = first.samples.get(name, []), second.samples.get(name, [])
    errors = _error_of(name, first), _error_of(name, second)
    if errors[0] is not None and errors[1] is not None:
        interval, basis = normal_interval(difference, errors[0], errors[1]), "the standard errors that the runs logged"
    elif min(map(len, samples)) >= 3 and all(map(math.isfinite, (*samples[0], *samples[1]))):
        interval, basis = welch_interval(*samples), f"Welch, means of {len(samples[0])} and {len(samples[1])} values"
        a, b = map(fmean, samples)
        difference = b - a
    key = name.rsplit("/", 1)[-1]
    lower = senses.get(key, senses.get(name, bool(_LOWER.search(key.lower()))))
    return MetricRow(
        metric=name,
        values=(a, b),
        difference=difference,
        relative=difference / abs(a) if a and math.isfinite(a) else None,
        interval=interval,
        basis=basis,
        verdict=_verdict(a, interval, tolerance, lower=lower),
    )


def _error_of(name: str, run: _Run) -> float | None:
    return next((run.values[key] for form in _ERROR_OF if (key := form.format(name)) in run.values), None)


def _verdict(first: float, interval: tuple[float, float] | None, tolerance: float, *, lower: bool) -> Verdict:
    """Whether the whole interval is on one side of what is tolerated; without an interval nothing is decided."""
    if interval is None or not all(map(math.isfinite, (first, *interval))):
        return Verdict.UNDECIDED
    worst, best = (interval[1], interval[0]) if lower else (-interval[0], -interval[1])
    allowed = tolerance * abs(first)
    if worst < 0:
        return Verdict.BETTER
    if worst <= allowed:
        return Verdict.HOLDS
    return Verdict.WORSE if best > allowed else Verdict.UNDECIDED


def _sum_up(rows: Sequence[MetricRow], same: bool, tolerance: float) -> tuple[Verdict, str]:
    judged = [row for row in rows if row.verdict is not None]
    decided = [row for row in judged if row.verdict is not Verdict.UNDECIDED]
    worse = [row.metric for row in decided if row.verdict is Verdict.WORSE]
    note = "" if same else " The two did not run the same pipeline: read the differences first."
    if worse:
        return Verdict.WORSE, f"Worse by more than {tolerance:.0%}, beyond chance: {', '.join(worse)}.{note}"
    if not decided:
        reason = (
            "no metric has an interval: log it several times (as for folds), or its standard error as METRIC_stderr"
        )
        return Verdict.UNDECIDED, (reason if judged else "the runs share no metric") + "." + note
    if all(row.verdict is Verdict.BETTER for row in decided):
        return Verdict.BETTER, f"Better beyond chance in {len(decided)} of {len(judged)} shared metrics.{note}"
    return (
        Verdict.HOLDS,
        f"Within {tolerance:.0%} or better in {len(decided)} of {len(judged)} shared metrics, the rest undecided.{note}",
    )


def _differences(runs: Sequence[_Run]) -> list[Difference]:
    found = []
    if len({run.pipeline for run in runs}) > 1:
        found.append(Difference(what="pipeline", name="definition", values=tuple(run.pipeline[:19] for run in runs)))
    for place in dict.fromkeys(place for run in runs for place in run.records):
        records = [run.records.get(place) for run in runs]
        facts = [_facts(record, place) for record in records]
        for key in dict.fromkeys(key for one in facts for key in one):
            values = tuple(one.get(key, "") for one in facts)
            if len(set(values)) > 1:
                found.append(Difference(what=key[0], name=key[1], values=values))
    return found


def _facts(record: JobRecord | None, place: str) -> dict[tuple[str, str], str]:
    """What decides a job's result, by kind and name; content by digest."""
    if record is None:
        return {}
    prefix = f"{place}/" if place else ""
    facts = {("parameter", prefix + name): value for name, value in record.parameters.items()}
    for one in record.sources:
        if one.role.startswith("input:"):
            facts["data", prefix + one.role.removeprefix("input:")] = (one.digest or one.reference or "unversioned")[
                :19
            ]
    if record.detail is not None and record.detail.lock:
        facts["environment", prefix + "lock"] = record.detail.lock[:19]
    if record.detail is not None and record.detail.code:
        facts["code", prefix + "code"] = record.detail.code[:19]
    return facts
