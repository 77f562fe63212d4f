"""What all commands share: who and where (profile, scope), how to answer (table, JSON, YAML), and from which file."""

import functools
import os
import re
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from regista.client import Regista

F = TypeVar("F", bound=Callable[..., Any])

_state: dict[str, bool] = {}

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_GAP, _LEAST = 2, 12
"""Between two columns, and what a text keeps in a narrow terminal."""


def is_verbose() -> bool:
    """Whether ``--verbose`` was given."""
    return _state.get("verbose", False)


def common(function: F) -> F:
    """``--output``, ``--profile``, ``--verbose``; the command gets ``output`` and ``profile``."""

    @click.option(
        "-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", help="How to answer."
    )
    @click.option("--profile", default=None, help="Which server and key: see 'regista profile list'.")
    @click.option("--verbose", is_flag=True, help="On failure, say the cause too.")
    @functools.wraps(function)
    def wrapped(*args: Any, verbose: bool = False, **kwargs: Any) -> Any:
        _state["verbose"] = verbose
        return function(*args, **kwargs)

    return wrapped  # type: ignore[return-value]


def answering(*forms: str) -> Callable[[F], F]:
    """More *forms* for ``--output`` than every command has; stands above the decorator that makes the option."""

    def decorated(function: F) -> F:
        for option in getattr(function, "__click_params__", ()):
            if option.name == "output":
                option.type = click.Choice([*option.type.choices, *forms])
        return function

    return decorated


def scoped(function: F) -> F:
    """``--workspace-name`` or ``--registry-name`` as in ``az ml``; the command gets ``client`` bound to that scope."""

    @_scope_options
    @common
    @functools.wraps(function)
    def wrapped(*args: Any, workspace: str, registry: str, profile: str | None, **kwargs: Any) -> Any:
        if registry and workspace and not _from_environment("workspace"):
            raise click.UsageError("give --workspace-name or --registry-name, not both")
        client = connect(profile).bound(workspace="" if registry else workspace, registry=registry)
        return function(*args, client=client, **kwargs)

    return wrapped  # type: ignore[return-value]


def homed(function: F) -> F:
    """As ``scoped``, but the two may stand together: ``client`` is bound to the registry, and ``home`` is the workspace
    that what goes there comes from (empty without a registry)."""

    @_scope_options
    @common
    @functools.wraps(function)
    def wrapped(*args: Any, workspace: str, registry: str, profile: str | None, **kwargs: Any) -> Any:
        client = connect(profile).bound(workspace="" if registry else workspace, registry=registry)
        return function(*args, client=client, home=workspace if registry else "", **kwargs)

    return wrapped  # type: ignore[return-value]


def _scope_options(function: F) -> F:
    """The four options that name a scope, made into two addresses (empty where not given)."""

    @click.option(
        "-w", "--workspace-name", "workspace", envvar="REGISTA_WORKSPACE", default="", help="In this workspace."
    )
    @click.option("-r", "--registry-name", "registry", default="", help="In this registry.")
    @click.option("-g", "--resource-group", "group", default="", help="Of the workspace, where its name is not enough.")
    @click.option("--subscription", default="", help="Of the workspace, where its name is not enough.")
    @functools.wraps(function)
    def wrapped(*args: Any, workspace: str, group: str, subscription: str, **kwargs: Any) -> Any:
        if bool(group) != bool(subscription) or (group and not workspace):
            raise click.UsageError("--subscription, --resource-group and --workspace-name go together")
        return function(*args, workspace=f"{subscription}:{group}:{workspace}" if group else workspace, **kwargs)

    return wrapped  # type: ignore[return-value]


def _from_environment(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.ENVIRONMENT


def named(function: F) -> F:
    """A name, as the argument or as ``--name``; the command gets ``name``."""

    @maybe_named
    @functools.wraps(function)
    def wrapped(*args: Any, name: str, **kwargs: Any) -> Any:
        if not name:
            raise click.UsageError("a name is missing: write it after the command, or as --name")
        return function(*args, name=name, **kwargs)

    return wrapped  # type: ignore[return-value]


def maybe_named(function: F) -> F:
    """As ``named``, with an empty ``name`` where none is given."""

    @click.argument("argument", metavar="[NAME]", default="")
    @click.option("-n", "--name", "option", default="", help="The name, where it does not follow the command.")
    @functools.wraps(function)
    def wrapped(*args: Any, argument: str, option: str, **kwargs: Any) -> Any:
        if argument and option and argument != option:
            raise click.UsageError(f"two names are given: {argument!r} and {option!r}")
        return function(*args, name=argument or option, **kwargs)

    return wrapped  # type: ignore[return-value]


def connect(profile: str | None) -> "Regista":
    """The client for a profile, the environment, or the server on this machine."""
    from regista.client import connect as connect_client

    return connect_client(profile=profile)


def show(value: Any, output: str, columns: Sequence[str] = ()) -> None:
    """Print one entity or a list of them: *columns* are the fields of a table, dots reach inside."""
    import msgspec

    plain = msgspec.to_builtins(value)
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(plain), indent=2).decode())
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip())
    elif isinstance(plain, list):
        _table([row if isinstance(row, dict) else {"value": row} for row in plain], columns or ("value",))
    elif isinstance(plain, dict):
        _card(plain)
    elif plain is not None:
        click.echo(str(plain))


def _card(plain: dict[str, Any]) -> None:
    rows = {key: value for key, value in plain.items() if value not in (None, "", {}, [], ())}
    width = max(map(len, rows), default=0)
    for key, value in rows.items():
        name = click.style(key.ljust(width), fg="cyan") if is_colored() else key.ljust(width)
        click.echo(f"{name}  {_block(value) if _is_deep(value) else cell(key, value)}")


def _is_deep(value: Any) -> bool:
    """Whether a value is too much for one line."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(isinstance(one, dict | list) for one in inner)


def _block(value: Any) -> str:
    import yaml

    return "\n    ".join(["", *yaml.safe_dump(value, sort_keys=False, allow_unicode=True).splitlines()])


def _table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> None:
    lines = [[re.sub(r"[\t\n]", " ", cell(name, reach(row, name))) for name in columns] for row in rows]
    titles = [name.rsplit(".", 1)[-1].replace("_", " ") for name in columns]
    if not lines:
        click.echo("None.", err=True)
        return
    widths = {
        name: max(len(title), *map(len, texts)) for name, title, *texts in zip(columns, titles, *lines, strict=True)
    }
    empty = {name for name, *texts in zip(columns, *lines, strict=True) if not any(texts)} - {columns[0]}
    if sys.stdout.isatty():
        widths = narrowed(widths, empty, get_terminal_size().columns)
    for number, line in enumerate([titles, *lines]):
        texts = dict(zip(columns, line, strict=True))
        text = "  ".join(_cut(texts[name], width).ljust(width) for name, width in widths.items()).rstrip()
        click.echo(click.style(text, bold=True) if number == 0 and is_colored() else text)
    if left := [title for name, title in zip(columns, titles, strict=True) if name not in widths and name not in empty]:
        say(f"No room for: {', '.join(left)}. See: -o yaml, or a wider terminal.")


def narrowed(widths: dict[str, int], empty: Container[str], room: int) -> dict[str, int]:
    """The columns that fit into *room*, and their widths. What is *empty* is left out first, then long texts are cut, then
    times are left out, and the columns at the end. The first stays as it is: with what stands in it one goes on."""
    if _taken(widths) <= room:
        return widths
    first, *others = [name for name in widths if name not in empty]
    fitted = {name: widths[name] for name in (first, *others)}
    fitted |= {name: min(widths[name], _LEAST) for name in others if not _is_time(name)}
    for name in sorted(others, key=lambda name: (not _is_time(name), -others.index(name))):
        if _taken(fitted) <= room:
            break
        del fitted[name]
    while _taken(fitted) < room and (cut := [name for name in fitted if fitted[name] < widths[name]]):
        fitted[min(cut, key=fitted.__getitem__)] += 1
    return fitted


def _taken(widths: dict[str, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _is_time(name: str) -> bool:
    return name.rsplit(".", 1)[-1].endswith(("_at", "until")) or name in {"at", "timestamp"}


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def reach(row: dict[str, Any], name: str) -> Any:
    """The value under a dotted *name*, or None."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def cell(name: str, value: Any) -> str:
    """A value for people: times in local time, sizes in units, mappings as pairs."""
    if value is None:
        return ""
    if _is_time(name):
        return moment(value) if isinstance(value, int) else str(value)
    if name.rsplit(".", 1)[-1] in {"size", "bytes", "moved"} and isinstance(value, int):
        return amount(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key}={cell('', inner)}" for key, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(cell("", inner) for inner in value)
    return printable(str(value))


def printable(text: str) -> str:
    """*text*, which somebody else may have written, so that it neither moves the cursor, nor paints, nor turns around what
    stands beside it. Tabs and ends of lines stay."""
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text)


def moment(at: int) -> str:
    """Milliseconds since 1970 as local time, to the second."""
    import datetime as dt

    return dt.datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def amount(size: int) -> str:
    """Bytes in the unit that people would choose."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def place(path: str) -> str:
    """``workspace dev`` for a scope's path."""
    *_, plural, name = f"//{path}".split("/")
    kind = {"workspaces": "workspace", "registries": "registry"}.get(plural, plural)
    return f"{kind} {name}".strip()


def pairs(texts: Sequence[str], what: str) -> dict[str, str]:
    """``KEY=VALUE`` options as a mapping."""
    found = {}
    for text in texts:
        key, mark, value = text.partition("=")
        if not mark or not key:
            raise click.UsageError(f"{what} are written KEY=VALUE, not {text!r}")
        found[key] = value
    return found


def say(text: str) -> None:
    """A remark for people, on standard error: standard output holds the answer alone."""
    click.echo(text, err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Go on when *yes*, or when the person at the terminal says so; where nobody can be asked, ask for ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here whether this is meant: say --yes")
    click.confirm(question, abort=True, err=True)


def is_colored() -> bool:
    """Whether the answer may have colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def is_interactive() -> bool:
    """Whether a person sits at the terminal: only then bars, colours and questions."""
    return sys.stderr.isatty() and not os.environ.get("CI")
