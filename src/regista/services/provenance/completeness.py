"""What should be known of a job that made something, and what is not."""

from collections.abc import Iterable, Iterator

from regista.entities.capsule import JobRecord
from regista.entities.trace import Completeness

Fact = tuple[str, bool]
"""What is missing, in words, when the fact is not known; and whether it is."""


def completeness_of(jobs: Iterable[JobRecord], other: Iterable[str] = ()) -> Completeness:
    """The facts of *jobs* counted; *other* are further things missing."""
    facts = [fact for job in jobs for fact in facts_of(job)] + [(text, False) for text in other]
    return Completeness(
        known=sum(known for _, known in facts),
        expected=len(facts),
        missing=tuple(text for text, known in facts if not known),
    )


def facts_of(job: JobRecord) -> Iterator[Fact]:
    """The facts expected of one job. A pipeline's own record has none: its steps have."""
    if job.type == "pipeline":
        return
    title = f"job {job.display_name or job.name}"
    yield f"{title}: it logged no metrics and no parameters", bool(job.metrics or job.parameters)
    detail = job.detail
    if detail is None:
        yield f"{title}: its code, environment, data and log need the permission provenance/detail", False
        return
    yield f"{title}: no code was recorded", bool(detail.code or detail.git.get("commit"))
    yield f"{title}: the git tree had changes that were not committed", detail.git.get("dirty", "").lower() != "true"
    if job.type == "command":
        yield f"{title}: its environment was not locked", detail.lock is not None
        yield f"{title}: its log is gone", detail.log is not None
    for source in job.sources:
        if source.role.startswith("input:"):
            yield (
                f"{title}: {source.role.removeprefix('input:')} is not versioned ({source.reference})",
                source.digest is not None,
            )
