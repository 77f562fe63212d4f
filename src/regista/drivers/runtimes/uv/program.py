"""Running the uv program: what it sees of the server's environment, and what becomes of its failures."""

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from regista.drivers.runtimes.uv.failures import redacted, translated
from regista.errors import UnavailableError
from regista.interfaces.runtimes import Report

_TIME_LIMIT = 3600.0
"""Seconds for one call: a large environment from a slow index, or a package built from source, still fits."""

_SEEN = frozenset(
    "PATH HOME USER LOGNAME LANG LC_ALL LC_CTYPE TMPDIR TZ NETRC CC CXX CFLAGS CXXFLAGS LDFLAGS CARGO_HOME RUSTUP_HOME "
    "HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy "
    "SSL_CERT_FILE SSL_CERT_DIR SSL_CLIENT_CERT XDG_CACHE_HOME XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_DATA_HOME".split()
)
"""Building a package from source runs its author's code: it sees these and uv's own settings, never the server's secrets."""

_PIP_SAYS = {  # pip's variable -> the ones of uv that mean the same; uv reads none of pip's
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_EXTRA_INDEX_URL", "UV_INDEX"),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS",),
    "PIP_NO_INDEX": ("UV_NO_INDEX",),
    "PIP_CERT": ("SSL_CERT_FILE",),
}


class Finished(msgspec.Struct, frozen=True):
    """How a call ended: its exit code, its output and the messages it wrote beside it."""

    code: int
    output: str
    messages: str


class UvProgram:
    """The uv of this installation. Its cache lies below *home*, on one file system with the environments, so that they
    share their bytes by links and nothing a job does to them reaches a person's own cache; ``UV_CACHE_DIR`` overrides."""

    def __init__(self, home: Path, *, source_builds: bool = True) -> None:
        self._home = home
        self.source_builds = source_builds

    @property
    def path(self) -> str:
        """Where the program is; raise ``UnavailableError`` when the package came without it."""
        import uv

        try:
            return uv.find_uv_bin()
        except FileNotFoundError as missing:
            raise UnavailableError("the uv program is not installed", hint="Run: pip install uv") from missing

    def environment(self) -> dict[str, str]:
        """The variables uv runs with: the user's own settings of uv and pip, and what a program needs to run at all."""
        given = os.environ
        seen = {name: value for name, value in given.items() if name in _SEEN or name.startswith("UV_")}
        for name, meant in _PIP_SAYS.items():
            if given.get(name) and not any(own in given for own in meant):
                seen[meant[0]] = given[name]
        if "PATH" in seen:
            # pyenv's shims start by failing, one by one, for every version that is not selected: seconds per look around.
            entries = seen["PATH"].split(os.pathsep)
            seen["PATH"] = os.pathsep.join(entry for entry in entries if not entry.rstrip("/").endswith(".pyenv/shims"))
        seen.setdefault("UV_CACHE_DIR", str(self._home / "uv-cache"))
        return seen | {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "NO_COLOR": "1"}

    def run(self, arguments: Sequence[str], report: Report, *, hold: Sequence[int] = ()) -> str:
        """Run uv to its end and return its output; raise its failure in our words. *hold* are descriptors that stay
        open in uv as well, so that a lock outlives a builder that is killed until its uv has ended too."""
        finished = self.attempt(arguments, report, hold=hold)
        if finished.code != 0:
            raise translated(finished.messages, finished.code)
        return finished.output

    def attempt(self, arguments: Sequence[str], report: Report, *, hold: Sequence[int] = ()) -> Finished:
        """Like ``run``, and leave it to the caller what a failure means."""
        self._home.mkdir(parents=True, exist_ok=True)
        environment = self.environment()
        if arguments[0] == "pip":
            arguments = [*arguments, *self._package_flags(environment)]
        with tempfile.TemporaryFile(dir=self._home) as output:
            process = subprocess.Popen(
                [self.path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.PIPE,
                env=environment,
                cwd=self._home,  # not the server's own folder, whose uv.toml or pyproject.toml would count
                pass_fds=tuple(hold),
            )
            with _time_limit(process):
                messages = "".join(_reported(process, report))
                code = process.wait()
            output.seek(0)
            return Finished(code, output.read().decode(errors="replace"), messages)

    def _package_flags(self, environment: Mapping[str, str]) -> list[str]:
        no_index = environment.get("UV_NO_INDEX", "").lower() in {"1", "true", "yes", "on"}  # a variable in pip alone
        return [*(["--no-index"] if no_index else []), *([] if self.source_builds else ["--no-build"])]


def _reported(process: "subprocess.Popen[bytes]", report: Report) -> Iterator[str]:
    assert process.stderr is not None  # noqa: S101 - opened as a pipe above
    with process.stderr as stream:
        for raw in stream:
            line = redacted(raw.decode(errors="replace"))
            if line.strip():
                report(line.rstrip())
            yield line


@contextmanager
def _time_limit(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    timer = threading.Timer(_TIME_LIMIT, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()


def index_settings(environment: Mapping[str, str]) -> list[str]:
    """Every setting that may change what a resolution comes out as, without credentials: part of a lock's cache key."""
    indifferent = (
        "UV_CACHE_DIR",
        "UV_HTTP_",
        "UV_CONCURRENT_",
        "UV_LINK_MODE",
        "UV_NO_PROGRESS",
        "UV_PYTHON",
        "UV_COMPILE_",
    )
    return [
        redacted(f"{name}={value}")
        for name, value in sorted(environment.items())
        if name.startswith("UV_") and not name.startswith(indifferent) and not name.endswith(("_PASSWORD", "_USERNAME"))
    ]
