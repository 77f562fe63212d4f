"""The command line of a job, with its inputs and outputs filled in.

    python train.py --data ${{inputs.data}} --out ${{outputs.model}} $[[--rate ${{inputs.rate}}]]

``$[[ … ]]`` ends at the first ``]]`` and vanishes whole when an optional input in it has no value; there are none inside one
another. Azure ML puts values in as they are; here each value reaches the program as one argument, whatever is in it
(``entities/shell.py`` says how): a list of arguments in one input is taken apart by the program, not by the shell.
"""

import re
from collections.abc import Collection, Iterator, Mapping

import msgspec

from regista.entities.shell import ShellWriter
from regista.errors import InvalidError

_PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs|search_space)\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_MAX = 1024 * 1024


class _Place(msgspec.Struct, frozen=True):
    """Where a value goes."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"${{{{{self.kind}.{self.name}}}}}"


_Part = str | _Place


def render_command(
    template: str,
    *,
    inputs: Mapping[str, str | None],
    outputs: Mapping[str, str],
    search_space: Mapping[str, str] | None = None,
) -> str:
    """The command line for ``sh -c`` or ``bash -c``. An input that is None is declared and has no value.

    Raise ``InvalidError`` for a name that is not declared, for a value that is missing outside of ``$[[ ]]``, and for one
    that cannot be put safely where it is asked for."""
    values = {"inputs": inputs, "outputs": outputs, "search_space": search_space or {}}
    writer = ShellWriter()
    parts = list(_joined(_present(template, values)))
    for index, part in enumerate(parts):
        if isinstance(part, str):
            writer.write(part)
            continue
        value = values[part.kind][part.name]
        if value is None:
            raise InvalidError(
                f"{part} has no value",
                hint=f"An optional input belongs into $[[ … ]], as in $[[--{part.name} {part}]].",
            )
        following = parts[index + 1] if index + 1 < len(parts) else ""
        writer.insert(str(part), value, before=following if isinstance(following, str) else "$")
    return writer.finish()


def check_command(
    template: str, *, inputs: Mapping[str, bool], outputs: Collection[str], search_space: Collection[str] = ()
) -> None:
    """Raise ``InvalidError`` where ``render_command`` would, whatever the values. *inputs* says of each input whether it
    may be without a value."""
    given = dict.fromkeys(inputs, "1")
    places, space = dict.fromkeys(outputs, "1"), dict.fromkeys(search_space, "1")
    render_command(template, inputs=given, outputs=places, search_space=space)
    absent = {name: None if may_be_absent else "1" for name, may_be_absent in inputs.items()}
    render_command(template, inputs=absent, outputs=places, search_space=space)


def _present(template: str, values: Mapping[str, Mapping[str, str | None]]) -> Iterator[_Part]:
    """The parts of *template* without the groups that vanish."""
    if len(template) > _MAX:
        raise InvalidError(f"the command is longer than {_MAX:,} characters", hint="Put it into a script.")
    position = 0
    while (start := template.find("$[[", position)) >= 0:
        yield from _parts(template[position:start], values)
        end = template.find("]]", start)
        if end < 0:
            raise InvalidError(f"'$[[' without ']]' in the command: {template[start : start + 80]!r}")
        group = template[start + 3 : end]
        if "$[[" in group:
            raise InvalidError(f"'$[[' inside '$[[' in the command: {group[:80]!r}")
        inner = list(_parts(group, values))
        if all(values[part.kind][part.name] is not None for part in inner if isinstance(part, _Place)):
            yield from inner
        position = end + 2
    yield from _parts(template[position:], values)


def _parts(text: str, values: Mapping[str, Mapping[str, str | None]]) -> Iterator[_Part]:
    position = 0
    for match in _PLACEHOLDER.finditer(text):
        yield _plain(text[position : match.start()])
        kind, name = match.groups()
        if name not in values[kind]:
            declared = ", ".join(sorted(values[kind])) or "none"
            raise InvalidError(
                f"the command speaks of {kind}.{name}, which is not declared", hint=f"Declared: {declared}."
            )
        yield _Place(kind, name)
        position = match.end()
    yield _plain(text[position:])


def _plain(text: str) -> str:
    if "\0" in text:
        raise InvalidError("the command holds a null byte")
    if (start := text.find("${{")) >= 0:
        raise InvalidError(
            f"the command holds an expression that means nothing here: {text[start : start + 80]!r}",
            hint="A command knows ${{inputs.NAME}}, ${{outputs.NAME}} and ${{search_space.NAME}}.",
        )
    return text


def _joined(parts: Iterator[_Part]) -> Iterator[_Part]:
    """The same with neighbouring texts put together, as the shell will see them."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += part
            continue
        if text:
            yield text
        yield part
        text = ""
    if text:
        yield text
