"""Traces of language-model programs: recording, finding, judging and deleting them.

A trace stands where its run stands; one without a run stands in the workspace. Its spans are the artifacts of
``traces/<id>``, by the same rights, and go when it goes.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from secrets import token_hex

import msgspec

from regista.entities.access import Caller, Permission
from regista.entities.llm_trace import Assessment, LlmTrace
from regista.entities.names import check_tags, now
from regista.entities.page import MAX_PAGE, Page, PageRequest
from regista.entities.scope import Scope, ScopeAddress
from regista.entities.search import Clause
from regista.errors import InvalidError, NotFoundError
from regista.interfaces.catalog import Catalog, Transaction
from regista.services.access.access import require
from regista.services.jobs.sources import job_path
from regista.services.journal import note
from regista.services.scopes.scopes import resolve_scope
from regista.services.tracking.judging import fulfils
from regista.services.tracking.rights import writable

MAX_ASSESSMENTS = 500
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
_RUN = re.compile(r"[0-9A-Za-z][\w.-]{0,254}", re.ASCII)
_BATCH = 200
_LATEST = 253_402_300_799_999


class LlmTraceService:
    """Records, finds, changes and deletes traces."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def put(self, caller: Caller, address: ScopeAddress, trace: LlmTrace) -> LlmTrace:
        """Record *trace*, under an id of ours if it has none; again, it is told anew, and what was remarked about it stays.

        A run that is not there, or not one that the caller may write to, is not linked; this goes for links that it brings,
        or that waited for it, too. Raise ``InvalidError`` for a deleted experiment, or another than before."""
        check_tags(trace.tags | trace.metadata)
        _check_times(trace)
        name = check_trace_id(trace.id or f"tr-{token_hex(16)}")

        def work(tx: Transaction) -> LlmTrace:
            scope = resolve_scope(tx, caller, address)
            run = _run_of(tx, caller, scope, trace.run)
            made = msgspec.structs.replace(
                trace,
                id=name,
                scope_id=scope.id,
                run=run,
                linked=(),
                assessments=_known_by_id(trace.assessments),
                created_by=caller.principal.name,
            )
            _allow(caller, scope, made, Permission.JOBS_WRITE)
            if tx.experiments.get(scope.id, trace.experiment).deleted:
                raise InvalidError(f"experiment {trace.experiment} is deleted", hint="Restore it, or name another.")
            if (known := tx.llm_traces.find(scope.id, name)) is not None:
                _allow(caller, scope, known, Permission.JOBS_WRITE)
                made = _told_again(known, made)
            links = (*trace.linked, *tx.llm_traces.take_links(scope.id, name))
            made = _linked(made, (_run_of(tx, caller, scope, one) for one in links))
            tx.llm_traces.put(made)
            return made

        return self._catalog.write(work)

    def get(self, caller: Caller, address: ScopeAddress, trace_id: str) -> LlmTrace:
        """By id; raise ``NotFoundError``."""
        return self._catalog.read(lambda tx: readable_trace(tx, caller, resolve_scope(tx, caller, address), trace_id))

    def get_all(self, caller: Caller, address: ScopeAddress, trace_ids: Sequence[str]) -> list[LlmTrace]:
        """Those of *trace_ids* that there are and that the caller may read, in that order."""

        def work(tx: Transaction) -> list[LlmTrace]:
            scope = _reading(tx, caller, address)
            found = (_find(tx, scope, name) for name in dict.fromkeys(trace_ids))
            return [one for one in found if one is not None and _may(caller, scope, one, Permission.JOBS_READ)]

        return self._catalog.read(work)

    def search(
        self,
        caller: Caller,
        address: ScopeAddress,
        experiments: Sequence[int],
        clauses: Sequence[Clause],
        request: PageRequest,
    ) -> Page[LlmTrace]:
        """Those of living *experiments* that fulfil all clauses and that the caller may read, the latest begun first."""

        def work(tx: Transaction) -> Page[LlmTrace]:
            scope = _reading(tx, caller, address)
            living = [number for number in experiments if _is_living(tx, scope, number)]
            found: list[LlmTrace] = []
            cursor = request.cursor
            while len(found) < request.limit:
                some = PageRequest(min(MAX_PAGE, request.limit - len(found)), cursor)
                page = tx.llm_traces.page(scope.id, living, some)
                found += [
                    one
                    for one in page.items
                    if fulfils(one, clauses) and _may(caller, scope, one, Permission.JOBS_READ)
                ]
                cursor = page.next
                if cursor is None:
                    break
            return Page(tuple(found), cursor)

        return self._catalog.read(work)

    def change(
        self, caller: Caller, address: ScopeAddress, trace_id: str, change: Callable[[LlmTrace], LlmTrace]
    ) -> LlmTrace:
        """Replace a trace by what *change* makes of it; its id, place and author stay."""

        def work(tx: Transaction) -> LlmTrace:
            scope = resolve_scope(tx, caller, address)
            trace = writable_trace(tx, caller, scope, trace_id)
            changed = change(trace)
            check_tags(changed.tags | changed.metadata)
            tx.llm_traces.put(changed)
            return changed

        return self._catalog.write(work)

    def set_tags(self, caller: Caller, address: ScopeAddress, trace_id: str, tags: dict[str, str]) -> LlmTrace:
        """Set or replace tags."""
        return self.change(
            caller, address, trace_id, lambda trace: msgspec.structs.replace(trace, tags=trace.tags | tags)
        )

    def delete_tag(self, caller: Caller, address: ScopeAddress, trace_id: str, key: str) -> LlmTrace:
        """Remove a tag; raise ``NotFoundError`` when there is none of the key."""

        def change(trace: LlmTrace) -> LlmTrace:
            if key not in trace.tags:
                raise NotFoundError(f"trace {trace_id!r} has no tag {key[:100]!r}")
            return msgspec.structs.replace(trace, tags={k: v for k, v in trace.tags.items() if k != key})

        return self.change(caller, address, trace_id, change)

    def link(self, caller: Caller, address: ScopeAddress, run: str, trace_ids: Sequence[str]) -> None:
        """Link traces to a run, all or none; again is quiet. The link to one that has not come yet, or that the caller cannot
        see, waits for it, and holds if who tells the trace may write to the run."""

        def work(tx: Transaction) -> None:
            scope = resolve_scope(tx, caller, address)
            writable(tx, caller, scope, run)
            for name in dict.fromkeys(trace_ids):
                trace = tx.llm_traces.find(scope.id, check_trace_id(name))
                if trace is None or not _may(caller, scope, trace, Permission.JOBS_READ):
                    tx.llm_traces.keep_link(scope.id, name, run, now())
                    continue
                _allow(caller, scope, trace, Permission.JOBS_WRITE)
                if (linked := _linked(trace, [run])) is not trace:
                    tx.llm_traces.put(linked)

        self._catalog.write(work)

    def delete(self, caller: Caller, address: ScopeAddress, experiment: int, trace_ids: Sequence[str]) -> int:
        """Delete traces of *experiment* with their files, and tell how many; those that are not there are passed over."""

        def work(tx: Transaction) -> int:
            scope = _deleting(tx, caller, address)
            found = [_find(tx, scope, name) for name in dict.fromkeys(trace_ids)]
            return _delete(tx, caller, scope, [one for one in found if one and one.experiment == experiment])

        return self._catalog.write(work)

    def delete_oldest(
        self, caller: Caller, address: ScopeAddress, experiment: int, until: int, most: int | None = None
    ) -> int:
        """Delete traces of *experiment* that began at *until* or before, the oldest first, *most* at most; some hundreds in
        each transaction."""
        deleted = 0
        while most is None or deleted < most:
            count = _BATCH if most is None else min(_BATCH, most - deleted)

            def work(tx: Transaction, count: int = count) -> int:
                scope = _deleting(tx, caller, address)
                return _delete(tx, caller, scope, tx.llm_traces.oldest(scope.id, experiment, until, count))

            done = self._catalog.write(work)
            deleted += done
            if done < count:
                break
        return deleted

    def assess(self, caller: Caller, address: ScopeAddress, trace_id: str, new: Assessment) -> Assessment:
        """Add an assessment under an id of ours; the one that it overrides is not valid any more."""
        at = now()
        made = msgspec.structs.replace(new, id=f"a-{token_hex(16)}", valid=True, created_at=new.created_at or at)
        made = msgspec.structs.replace(made, updated_at=new.updated_at or at)

        def change(trace: LlmTrace) -> LlmTrace:
            if len(trace.assessments) >= MAX_ASSESSMENTS:
                raise InvalidError(f"trace {trace_id!r} has {MAX_ASSESSMENTS} assessments, and takes no more")
            if made.overrides:
                assessment_of(trace, made.overrides)
            known = [_valid(one, one.valid and one.id != made.overrides) for one in trace.assessments]
            return msgspec.structs.replace(trace, assessments=(*known, made))

        self.change(caller, address, trace_id, change)
        return made

    def reassess(
        self,
        caller: Caller,
        address: ScopeAddress,
        trace_id: str,
        assessment_id: str,
        change: Callable[[Assessment], Assessment],
    ) -> Assessment:
        """Replace an assessment by what *change* makes of it; raise ``NotFoundError``."""

        def changed(trace: LlmTrace) -> LlmTrace:
            new = msgspec.structs.replace(change(assessment_of(trace, assessment_id)), updated_at=now())
            kept = tuple(new if one.id == assessment_id else one for one in trace.assessments)
            return msgspec.structs.replace(trace, assessments=kept)

        return assessment_of(self.change(caller, address, trace_id, changed), assessment_id)

    def delete_assessment(self, caller: Caller, address: ScopeAddress, trace_id: str, assessment_id: str) -> None:
        """Remove an assessment; what it overrode is valid again. Quiet when it is not there."""

        def change(trace: LlmTrace) -> LlmTrace:
            gone = next((one for one in trace.assessments if one.id == assessment_id), None)
            if gone is None:
                return trace
            kept = (one for one in trace.assessments if one.id != assessment_id)
            valid = tuple(_valid(one, one.valid or one.id == gone.overrides) for one in kept)
            return msgspec.structs.replace(trace, assessments=valid)

        self.change(caller, address, trace_id, change)


def check_trace_id(name: str) -> str:
    """Return *name* when a trace may be called so."""
    if not _ID.fullmatch(name):
        raise InvalidError(f"a trace cannot have the id {name[:100]!r}", hint="Letters, digits, - and _: 100 at most.")
    return name


def readable_trace(tx: Transaction, caller: Caller, scope: Scope, trace_id: str) -> LlmTrace:
    """A trace that *caller* may read; raise ``NotFoundError``."""
    trace = _find(tx, scope, trace_id)
    if trace is None or not _may(caller, scope, trace, Permission.JOBS_READ):
        raise NotFoundError(f"Trace with ID '{trace_id[:100]}' not found")
    return trace


def writable_trace(tx: Transaction, caller: Caller, scope: Scope, trace_id: str) -> LlmTrace:
    """A trace that *caller* may change."""
    trace = readable_trace(tx, caller, scope, trace_id)
    _allow(caller, scope, trace, Permission.JOBS_WRITE)
    return trace


def trace_path(scope: Scope, trace: LlmTrace) -> str:
    """Where a trace stands in the tree of scopes."""
    return job_path(scope, trace.run) if trace.run else scope.path


def assessment_of(trace: LlmTrace, assessment_id: str) -> Assessment:
    """By id; raise ``NotFoundError``."""
    for one in trace.assessments:
        if one.id == assessment_id:
            return one
    raise NotFoundError(f"trace {trace.id!r} has no assessment {assessment_id[:100]!r}")


def _find(tx: Transaction, scope: Scope, trace_id: str) -> LlmTrace | None:
    return tx.llm_traces.find(scope.id, trace_id) if _ID.fullmatch(trace_id) else None


def _run_of(tx: Transaction, caller: Caller, scope: Scope, run: str) -> str:
    """*run* if it is one that *caller* may write to: a program may say anything."""
    if not _RUN.fullmatch(run) or not caller.allows(Permission.JOBS_WRITE, job_path(scope, run)):
        return ""
    return run if tx.jobs.find(scope.id, run) is not None else ""


def _linked(trace: LlmTrace, runs: Iterable[str]) -> LlmTrace:
    """*trace* with links to those of *runs* that it has none to."""
    new = [run for run in dict.fromkeys(runs) if run and run not in (trace.run, *trace.linked)]
    return msgspec.structs.replace(trace, linked=(*trace.linked, *new)) if new else trace


def _told_again(known: LlmTrace, told: LlmTrace) -> LlmTrace:
    if known.experiment != told.experiment:
        raise InvalidError(f"trace {told.id!r} is of experiment {known.experiment}, not of {told.experiment}")
    return msgspec.structs.replace(
        told,
        run=known.run or told.run,
        linked=known.linked,
        tags=known.tags | told.tags,
        assessments=known.assessments or told.assessments,
        created_by=known.created_by,
    )


def _check_times(trace: LlmTrace) -> None:
    given = [trace.started_at, trace.duration or 0]
    for one in trace.assessments:
        given += [one.created_at, one.updated_at]
    if not all(0 <= at <= _LATEST for at in given):
        raise InvalidError(
            f"trace {trace.id[:100]!r} has a time that cannot be", hint="Times are milliseconds since 1970."
        )


def _known_by_id(given: Sequence[Assessment]) -> tuple[Assessment, ...]:
    if len(given) > MAX_ASSESSMENTS:
        raise InvalidError(f"a trace has at most {MAX_ASSESSMENTS} assessments, this one {len(given)}")
    at = now()
    named = (
        msgspec.structs.replace(
            one, id=one.id or f"a-{token_hex(16)}", created_at=one.created_at or at, updated_at=one.updated_at or at
        )
        for one in given
    )
    return tuple({one.id: one for one in named}.values())


def _valid(one: Assessment, valid: bool) -> Assessment:
    return msgspec.structs.replace(one, valid=valid)


def _is_living(tx: Transaction, scope: Scope, experiment: int) -> bool:
    try:
        return not tx.experiments.get(scope.id, experiment).deleted
    except NotFoundError:
        return False


def _reading(tx: Transaction, caller: Caller, address: ScopeAddress) -> Scope:
    """The scope, for somebody who may read at least something there."""
    scope = resolve_scope(tx, caller, address)
    if not caller.allows_below(Permission.JOBS_READ, scope.path):
        raise NotFoundError(f"there are no traces for you in {address}")
    return scope


def _deleting(tx: Transaction, caller: Caller, address: ScopeAddress) -> Scope:
    """The scope, for somebody who may delete at least something there."""
    scope = resolve_scope(tx, caller, address)
    if not caller.allows_below(Permission.JOBS_WRITE, scope.path):
        require(caller, Permission.JOBS_WRITE, scope.path, read=Permission.JOBS_READ, what="traces")
    return scope


def _delete(tx: Transaction, caller: Caller, scope: Scope, traces: Sequence[LlmTrace]) -> int:
    allowed = [one for one in traces if _may(caller, scope, one, Permission.JOBS_WRITE)]
    for trace in allowed:
        tx.artifacts.delete(scope.id, f"traces/{trace.id}", "")
        tx.llm_traces.delete(scope.id, trace.id)
    if allowed:
        note(tx, caller, "llm_trace.delete", scope.path, count=len(allowed), first=allowed[0].id)
    return len(allowed)


def _may(caller: Caller, scope: Scope, trace: LlmTrace, permission: Permission) -> bool:
    return caller.allows(permission, trace_path(scope, trace))


def _allow(caller: Caller, scope: Scope, trace: LlmTrace, permission: Permission) -> None:
    require(caller, permission, trace_path(scope, trace), read=Permission.JOBS_READ, what=f"Trace with ID '{trace.id}'")
