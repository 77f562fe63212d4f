"""Jobs as they go over the wire of the native API."""

import msgspec

from regista.entities.job import Job


class JobView(Job, frozen=True, kw_only=True):
    """A job with its tags, which are data of the run and stand apart from it in the catalog."""

    tags: dict[str, str]


def view_of(job: Job, tags: dict[str, str]) -> JobView:
    """The job as it is answered."""
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    return JobView(**fields, tags=tags)


class JobViews(msgspec.Struct, frozen=True):
    """Several jobs, and the cursor of the next page."""

    items: tuple[JobView, ...] = ()
    next: str | None = None
