"""The history of metrics: whole, in pages, and thinned out for plots."""

from collections.abc import Iterable, Iterator
from heapq import nsmallest

import msgspec

from regista.dialects.desk import Pace
from regista.dialects.mlflow import limits, render, wire
from regista.dialects.mlflow.answers import MetricAnswer
from regista.dialects.mlflow.call import Call, Route
from regista.dialects.mlflow.errors import missing
from regista.dialects.mlflow.render import Json
from regista.dialects.mlflow.routes.runs import run_id
from regista.entities.page import LONG_PAGE, PageRequest
from regista.entities.run import Metric
from regista.errors import InvalidError

_MOST = 25_000
_MOST_AT_ONCE = 10 * _MOST
_MOST_RUNS = 100
_MOST_POINTS = 2500


def get_history(call: Call, asked: wire.MetricHistory) -> Json:
    """All values of one metric, or so many and a token for the rest. Who asks for all shall not miss some unawares."""
    limit = limits.check_results(_MOST_AT_ONCE if asked.max_results is None else asked.max_results, _MOST_AT_ONCE)
    pages = []
    cursor = asked.page_token or None
    while limit:
        request = PageRequest(min(LONG_PAGE, limit), cursor)
        page = call.house.runs.history(call.caller, call.address, run_id(asked), asked.metric_key, request)
        pages.append(_encoded(map(render.metric, page.items)))
        limit -= len(page.items)
        cursor = page.next
        if cursor is None:
            break
    if cursor and asked.max_results is None:
        raise InvalidError(
            f"the metric {asked.metric_key!r} has more than {_MOST_AT_ONCE:,} values, which are not answered at once",
            hint="Ask for pages by max_results and page_token, as clients since MLflow 2 do.",
        )
    return {"metrics": _joined(pages), **({"next_page_token": cursor} if cursor else {})}


def get_interval(call: Call, asked: wire.HistoryInterval) -> Json:
    """Values of one metric of several runs at no more than so many steps, evenly chosen; the first and last step stay."""
    limit = asked.max_results
    if not 0 < limit <= _MOST_POINTS:
        raise InvalidError(f"max_results must be between 1 and {_MOST_POINTS}, got {limit}.")
    if not asked.run_ids:
        raise missing("run_ids")
    if not asked.metric_key:
        raise missing("metric_key")
    if len(asked.run_ids) > _MOST_RUNS:
        raise InvalidError(
            f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. Received {len(asked.run_ids)}."
        )
    start, end = asked.start_step, asked.end_step
    if (start is None) != (end is None):
        raise InvalidError("If either start step or end step are specified, both must be specified.")
    if start is not None and end is not None and start > end:
        raise InvalidError(f"end_step must be greater than start_step. Found start_step={start} and end_step={end}.")
    between = None if start is None or end is None else (start, end)
    found = call.house.histories.sampled(call.caller, call.address, asked.run_ids, asked.metric_key, limit, between)
    return {"metrics": [render.metric(one, name) for name, metrics in found.items() for one in metrics]}


def get_bulk(call: Call, asked: wire.HistoryBulk) -> Json:
    """Values of one metric of several runs, the runs in order."""
    limit = limits.check_results(asked.max_results, _MOST)
    if not asked.run_id:
        raise InvalidError("GetMetricHistoryBulk request must specify at least one run_id.")
    if len(asked.run_id) > _MOST_RUNS:
        raise InvalidError(
            f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. Received {len(asked.run_id)}."
        )
    if not asked.metric_key:
        raise InvalidError("GetMetricHistoryBulk request must specify a metric_key.")
    pages = []
    for name in sorted(asked.run_id):
        first = nsmallest(limit, _all(call, name, asked.metric_key), key=lambda one: (one.timestamp, one.step))
        pages.append(_encoded(render.metric(one, name) for one in first))
        limit -= len(first)
    return {"metrics": _joined(pages)}


def _encoded(found: Iterable[MetricAnswer]) -> bytes:
    """A page of a list: as text it takes a fifth of the room, and a long history has many."""
    return msgspec.json.encode(list(found))[1:-1]


def _joined(pages: Iterable[bytes]) -> msgspec.Raw:
    return msgspec.Raw(b"[" + b",".join(filter(None, pages)) + b"]")


def _all(call: Call, name: str, key: str) -> Iterator[Metric]:
    cursor: str | None = None
    while True:
        page = call.house.runs.history(call.caller, call.address, name, key, PageRequest(LONG_PAGE, cursor))
        yield from page.items
        cursor = page.next
        if cursor is None:
            return


ROUTES = {
    ("GET", "metrics/get-history"): Route(get_history, wire.MetricHistory, pace=Pace.SEARCH),
    ("GET", "metrics/get-history-bulk-interval"): Route(get_interval, wire.HistoryInterval, pace=Pace.SEARCH),
    ("GET", "metrics/get-history-bulk"): Route(get_bulk, wire.HistoryBulk, pace=Pace.SEARCH),
}
