"""Importing a source into a workspace, and its models into there or into a registry.

Everything is written under the id that it had and may be written again, so an import that was broken off is begun again and
goes on: the book knows what is done, and what was half done is made whole. Runs come first without what hides them, then
their measurements, then their files; only then they are deleted if they were. At the end both sides are counted.
"""

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from regista.client.imports.book import Counts, ImportBook
from regista.client.imports.checking import Checking
from regista.client.imports.records import (
    Source,
    SourceFile,
    SourceModel,
    SourceName,
    SourceRun,
    SourceTrace,
    SourceVersion,
    SourceWebhook,
)
from regista.client.workers import run_all
from regista.entities.imported import ImportedExperiment
from regista.errors import (
    AlreadyExistsError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    RegistaError,
    TooLargeError,
    UnavailableError,
)

if TYPE_CHECKING:
    from regista.client.session import Regista

WHAT = ("experiments", "runs", "metrics", "params", "tags", "datasets", "logged_models", "registered_models",
        "versions", "aliases", "traces", "assessments", "webhooks", "files", "bytes")  # fmt: skip
_POINTS = 5000
_WORKERS = 4
_MOST_TOLD = 1000
_IDS = 200
_REFUSALS = (AlreadyExistsError, ConflictError, InvalidError, NotFoundError, TooLargeError)
"""What the server says about one thing; anything else ends the import, to be begun again."""
_OF_MODEL = re.compile(r"(?:^|/)models:?/(m-[0-9a-f]{32})(?:/artifacts)?/?$")
_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_IS_PROMPT, _PROMPT = "mlflow.prompt.is_prompt", "mlflow.prompt.text"


class Line(msgspec.Struct, frozen=True):
    """How much of one sort is in the source, and how much of that is here."""

    what: str
    source: int
    here: int | None


class Report(msgspec.Struct, frozen=True):
    """What came of an import. ``problems`` are told one by one, up to a thousand; ``untold`` are those beyond. ``notes`` are
    what is left for a person to do."""

    lines: list[Line]
    problems: list[str]
    untold: int = 0
    dry_run: bool = False
    notes: list[str] = []

    @property
    def is_whole(self) -> bool:
        """Whether everything that the source has is here."""
        return not self.problems and all(line.here in {None, line.source} for line in self.lines)


class Problems:
    """What could not be imported, and why; safe for threads."""

    def __init__(self) -> None:
        self.told: dict[str, None] = {}
        self.untold = 0
        self._turn = threading.Lock()
        self._mine = threading.local()

    @property
    def count(self) -> int:
        """How often this thread has told something."""
        return getattr(self._mine, "count", 0)

    def tell(self, what: str, why: str) -> None:
        """Note a line, once; what is of no use to a terminal is replaced."""
        line = "".join(char if char.isprintable() else "\ufffd" for char in f"{what}: {why}")[:1000]
        self._mine.count = self.count + 1
        with self._turn:
            if len(self.told) < _MOST_TOLD:
                self.told[line] = None
            elif line not in self.told:
                self.untold += 1


class Import:
    """One import. *moved* is told what was done, by sort and number, for a bar."""

    def __init__(
        self,
        source: Source,
        client: "Regista",
        problems: Problems,
        *,
        registry: str = "",
        dry_run: bool = False,
        moved: Callable[[str, int], None] = lambda _what, _count: None,
        cache: Path | None = None,
    ) -> None:
        self._source, self._client, self._problems, self._dry = source, client, problems, dry_run
        self._workspace = client.workspace or ""
        self._shelf = client.bound(registry=registry) if registry else client
        self._home = self._workspace if registry else ""
        self._moved, self._cache = moved, cache
        self._check = Checking(problems.tell)
        self._counted: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._numbers: dict[str, int] = {}
        self._written: set[str] = set()
        self._named: dict[str, list[str]] = {}
        self._hooks: list[str] = []
        self._notes: list[str] = []

    def run(self) -> Report:
        """Do it; raise what ends it, such as a server that is gone."""
        target = f"{self._client.transport.url}\n{self._client.scope_path}\n{self._shelf.scope_path}"
        self._book = ImportBook(self._source.name, target, self._cache, kept=not self._dry)
        try:
            experiments = [*self._source.experiments()]
            bodies = {one.id: self._check.experiment(one) for one in experiments}
            for one in experiments:
                self._experiment(one.id, bodies[one.id])
            known = [one.id for one in experiments if one.id in self._numbers]
            run_all(self._run, (run for one in known for run in self._source.runs(one)), _WORKERS)
            run_all(self._model, (model for one in known for model in self._source.models(one)), _WORKERS)
            run_all(self._trace, (trace for one in known for trace in self._source.traces(one)), _WORKERS)
            names = [*self._source.names()]
            for name in names:
                self._name(name)
            for one in experiments:
                if one.deleted and one.id in self._numbers:
                    self._put("experiments", replace(bodies[one.id], deleted=True))
            self._webhooks()
            return self._report()
        finally:
            self._book.close()

    def _experiment(self, given: str, body: ImportedExperiment) -> None:
        self._count({"experiments": 1})
        with self._told(f"experiment {body.name!r}"):
            made = self._put("experiments", body)
            self._numbers[given] = made.get("number", 0) if made else 0
            self._written.add(given)

    def _run(self, run: SourceRun) -> None:
        if (known := self._book.find("run", run.id)) is not None:
            self._count(known)
            self._moved("runs", 1)
            return
        before = self._problems.count
        body = self._check.run(run, self._numbers[run.experiment])
        counts = {
            "runs": 1,
            "params": len(body.params),
            "tags": len(body.tags),
            "datasets": len(body.datasets),
        }
        with self._told(f"run {run.id}"):
            self._put("runs", body)
            counts["metrics"] = self._points(run)
            self._files(f"runs/{run.id}", self._source.run_files(run), counts)
            if run.deleted:
                self._put("runs", replace(body, deleted=True))
        self._end("run", run.id, counts, before)

    def _points(self, run: SourceRun) -> int:
        total, batch = 0, _Batch()
        for point in self._check.points(self._source.points(run), f"run {run.id}"):
            batch.add(point)
            total += 1
            if len(batch.keys) == _POINTS:
                self._send(run.id, batch)
                batch = _Batch()
        if batch.keys:
            self._send(run.id, batch)
        return total

    def _send(self, run: str, batch: "_Batch") -> None:
        if not self._dry:
            path = f"{self._base(self._client)}/imports/runs/{quote(run, safe='')}/metrics"
            self._client.transport.call("POST", path, body=batch, idempotent=True)
        self._moved("metrics", len(batch.keys))

    def _model(self, model: SourceModel) -> None:
        if (known := self._book.find("model", model.id)) is not None:
            self._count(known)
            return
        before = self._problems.count
        body = self._check.model(model, self._numbers[model.experiment])
        counts = {"logged_models": 1, "params": len(body.params), "tags": len(body.tags)}
        with self._told(f"logged model {model.id}"):
            self._put("loggedModels", body)
            self._files(f"models/{model.id}", self._source.model_files(model), counts)
            if model.deleted:
                self._put("loggedModels", replace(body, deleted=True))
        self._end("model", model.id, counts, before)

    def _trace(self, trace: SourceTrace) -> None:
        if (known := self._book.find("trace", trace.id)) is not None:
            self._count(known)
            return
        before = self._problems.count
        body = self._check.trace(trace, self._numbers[trace.experiment])
        counts = {
            "traces": 1,
            "tags": len(body.tags) + len(body.metadata),
            "assessments": len(body.assessments),
        }
        with self._told(f"trace {trace.id}"):
            self._put("traces", body)
            self._files(f"traces/{trace.id}", trace.files(), counts)
        self._end("trace", trace.id, counts, before)

    def _webhooks(self) -> None:
        """Last, so that nobody is told of what is imported, even if somebody makes one active at once."""
        try:
            found = [*self._source.webhooks()]
        except (
            UnavailableError
        ) as wrong:  # a server whose models are in a store of files can have none, and ends with a fault
            self._notes.append(f"webhooks: the source does not tell them, if it has any: {wrong.message[:300]}")
            return
        for webhook in found:
            self._webhook(webhook)

    def _webhook(self, webhook: SourceWebhook) -> None:
        self._count({"webhooks": 1})
        try:
            with self._told(f"webhook {webhook.name!r}"):
                made = self._put("webhooks", self._check.webhook(webhook), self._shelf)
                self._hooks += [made["id"]] if made else []
                if not made or (made["state"] == "DISABLED" and not made["has_secret"]):
                    self._notes.append(
                        f"webhook {webhook.name!r}: comes without its secret, which no source tells, and disabled:"
                        " give it a secret and make it active"
                    )
        except ForbiddenError as wrong:
            self._problems.tell(f"webhook {webhook.name!r}", wrong.message)

    def _files(self, owner: str, files: Iterator[SourceFile], counts: Counts) -> None:
        counts |= {"files": 0, "bytes": 0}
        for file in files:
            counts["files"] += 1
            counts["bytes"] += file.size
            name = f"{owner}/{file.path}"
            if self._dry or self._book.find("file", name) is not None:
                continue
            workspace = quote(self._workspace, safe=":")
            path = f"/mlflow/workspaces/{workspace}/api/2.0/mlflow-artifacts/artifacts/{quote(name)}"
            with self._told(f"file {file.path!r} of {owner}"):
                self._client.transport.stream_up("PUT", path, partial(_exactly, file), file.size)
                self._book.note("file", name)
            self._moved("files", 1)

    def _name(self, name: SourceName) -> None:
        body = self._check.name(name)
        self._count({"registered_models": 1, "tags": len(body.tags), "aliases": len(body.aliases)})
        with self._told(f"registered model {name.name!r}"):
            self._put("models", body, self._shelf)
        self._named[name.name] = numbers = []
        for version in self._source.versions(name.name):
            numbers.append(version.version)
            self._version(version)
        with self._told(f"registered model {name.name!r}"):
            self._put("models", body, self._shelf)  # with the aliases, and its own time

    def _version(self, version: SourceVersion) -> None:
        key = f"{version.name}\n{version.version}"
        if (known := self._book.find("version", key)) is not None:
            self._count(known)
            return
        before = self._problems.count
        body = self._check.version(version)
        with self._told(f"version {version.name} {version.version}"):
            if _IS_PROMPT in version.tags or _PROMPT in version.tags:
                body = replace(body, spec={"prompt": version.tags.get(_PROMPT, "")})
            else:
                body = replace(body, **self._content(version))
            self._put("versions", body, self._shelf)
        self._end("version", key, {"versions": 1, "tags": len(body.tags)}, before)

    def _content(self, version: SourceVersion) -> dict[str, str]:
        """Where the files of a version are: with a run or a logged model that was imported. Else they are sent, and the server knows."""
        for said in (version.place, version.source, f"models:/{version.model}"):
            if (found := _OF_MODEL.search(said)) and self._book.find("model", found[1]) is not None:
                return {"path": f"models:/{found[1]}", "home": self._home}
        for said in (version.place, version.source):
            if path := self._in_run(said):
                return {"path": path, "home": self._home}
        with TemporaryDirectory(prefix="regista-import-") as outside:
            folder = Path(outside) / (
                _PLAIN.sub("", version.place.rstrip("/").rpartition("/")[2]).strip(".") or "model"
            )
            if not _fetch(self._source.version_files(version), folder, keep=not self._dry):
                raise NotFoundError(f"its files are not where they are said to be ({version.place[:200]!r})")
            if not self._dry:
                is_packed = (folder / "MLmodel").is_file()
                self._shelf.models.create(name=version.name, version=version.version, path=str(folder),
                                          type="mlflow_model" if is_packed else "custom_model")  # fmt: skip
        return {}

    def _in_run(self, place: str) -> str:
        """Where in a run that was imported *place* is: behind the run's id, wherever that stands in it."""
        parts = [part for part in place.split("/") if part]
        for index, part in enumerate(parts[:-1]):
            if self._book.find("run", part) is not None:
                inner = parts[index + 1 :]
                inner = inner[1:] if inner[0] == "artifacts" and len(inner) > 1 else inner
                return f"runs:/{part}/{'/'.join(inner)}"
        return ""

    def _report(self) -> Report:
        here = None if self._dry else self._here()
        lines = [Line(what, self._counted[what], None if here is None else here[what]) for what in WHAT]
        return Report(lines, [*self._problems.told], self._problems.untold, self._dry, self._notes)

    def _here(self) -> Counter[str]:
        """What the server has of what was imported, asked for anew."""
        found = Counter({"experiments": len(self._written)})
        for kind, field in (("run", "runs"), ("model", "models"), ("trace", "traces")):
            for ids in self._book.ids(kind, _IDS):
                found.update(self._totals(self._client, {field: ids}))
        if self._hooks:
            found.update(self._totals(self._shelf, {"webhooks": self._hooks}))
        for name, versions in self._named.items():
            found.update(self._totals(self._shelf, {"name": name, "versions": versions}))
        return found

    def _totals(self, client: "Regista", asked: dict[str, Any]) -> dict[str, int]:
        path = f"{self._base(client)}/imports/totals"
        return client.transport.call("POST", path, body=asked, type=dict[str, int], idempotent=True)

    def _put(self, what: str, body: msgspec.Struct, client: "Regista | None" = None) -> dict[str, Any]:
        if self._dry:
            return {}
        client = client or self._client
        return client.transport.call("PUT", f"{self._base(client)}/imports/{what}", body=body, type=dict[str, Any])

    @staticmethod
    def _base(client: "Regista") -> str:
        return f"/api/v1/{client.scope_path}"

    def _end(self, kind: str, name: str, counts: Counts, before: int) -> None:
        """Count it, and write down that it is done, unless something was told of it: then it is tried again next time."""
        self._count(counts)
        self._moved(f"{kind}s", 1)
        if self._problems.count == before:
            self._book.note(kind, name, counts)
            self._book.forget("file", f"{kind}s/{name}/")

    def _count(self, counts: Counts) -> None:
        with self._turn:
            self._counted.update(counts)

    def _told(self, what: str) -> "_Careful":
        return _Careful(what, self._problems)


class _Careful:
    """Tells what was refused about one thing, and goes on behind it."""

    def __init__(self, what: str, problems: Problems) -> None:
        self._what, self._problems = what, problems

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, wrong: BaseException | None, _trace: object) -> bool:
        if isinstance(wrong, ForbiddenError) or not isinstance(wrong, _REFUSALS):
            return False
        assert isinstance(wrong, RegistaError)  # noqa: S101 - says what the line above made sure of
        self._problems.tell(self._what, wrong.message)
        return True


class _Batch(msgspec.Struct):
    """Measurements in columns, as they go over the wire."""

    keys: list[str] = []
    values: list[float | None] = []
    timestamps: list[int] = []
    steps: list[int] = []

    def add(self, point: tuple[str, float | None, int, int]) -> None:
        """Append one."""
        key, value, at, step = point
        self.keys.append(key)
        self.values.append(value)
        self.timestamps.append(at)
        self.steps.append(step)


def _exactly(file: SourceFile) -> Iterator[bytes]:
    """The bytes of a file; raise ``InvalidError`` when they are not as many as was said."""
    count = 0
    for chunk in file.read():
        count += len(chunk)
        if count > file.size:
            break
        yield chunk
    if count != file.size:
        raise InvalidError(f"the source says that it has {file.size} bytes, and gives others")


def _fetch(files: Iterator[SourceFile], folder: Path, *, keep: bool) -> int:
    """Bring files into *folder*; how many there were."""
    count = 0
    for file in files:
        count += 1
        if keep:
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as target:
                for chunk in _exactly(file):
                    target.write(chunk)
    return count
