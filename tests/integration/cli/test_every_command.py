"""Every command of ``regista``, found by walking the program: what it says of itself, and of wrong input."""

import click
import pytest

from regista.cli.main import commands

APART = {"up", "down", "completion", "connect azureml", "connect mlflow"}
"""Start and stop servers, or need none."""


def leaves(group: click.Group, words: tuple[str, ...] = ()):
    """The commands below *group*, with the words that lead there."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        elif command is not None and not command.hidden:
            yield (*words, name), command


ALL = list(leaves(commands))
ASKING = [pair for pair in ALL if " ".join(pair[0]) not in APART]


def ids(pairs):
    return [" ".join(words) for words, _ in pairs]


def required(command: click.Command):
    return [one for one in command.params if one.required]


def filled(command: click.Command, value_of) -> list[str]:
    """Words for everything that *command* cannot do without."""
    words: list[str] = []
    for one in required(command):
        value = value_of(one)
        words += [value] if isinstance(one, click.Argument) else [one.opts[-1], value]
    return words


def unknown(one: click.Parameter) -> str:
    """What is of the right form and names nothing."""
    kind = one.type
    if isinstance(kind, click.Choice):
        return str(kind.choices[0])
    if isinstance(kind, click.types.IntParamType):
        return "7"
    if isinstance(kind, click.types.FloatParamType):
        return "0.5"
    if isinstance(kind, click.Path | click.File):
        return "no-such-file.yml"
    return "no-such-thing:1" if one.name in {"reference", "asset", "version_reference"} else "no-such-thing"


def says_what_is_wrong(answer) -> None:
    """An expected end: a message with a next step, or how the command is used; never how the program is made."""
    assert answer.status in {0, 1, 2}, (answer.status, answer.out, answer.err)
    said = answer.out + answer.err
    assert "Traceback" not in said
    assert "fault of Regista's own" not in said, said
    if answer.status == 1:
        assert answer.err.startswith("Error: "), (answer.out, answer.err)
    if answer.status == 2:
        assert answer.err.startswith("Usage: "), (answer.out, answer.err)


@pytest.mark.parametrize(("words", "command"), ALL, ids=ids(ALL))
class TestOfItself:
    def test_its_help_says_what_it_does_and_shows_how(self, run, words, command):
        answer = run(*words, "--help")
        assert answer.status == 0, answer.err
        assert command.help
        assert f"regista {' '.join(words)}" in (command.epilog or "") + (command.help or ""), "no example"

    def test_an_unknown_option_is_refused_with_the_usage(self, run, words, command):
        answer = run(*words, "--no-such-option")
        assert answer.status == 2, (answer.out, answer.err)
        assert "--no-such-option" in answer.err


NAMES = ("", "../../etc/passwd", "a" * 3000, "\u202e\x07 azureml:")
DOCUMENTS = (b"[1, 2", b"name: {a: [1]}\ntype: 7\n", b"!!python/object:os.system x\n", b"a: &a [*a]\n", b"\0\xff")


@pytest.fixture(scope="module")
def workspace(server):
    """One that is there, so that what is wrong is what the commands are given."""
    return server.client().workspaces.create(name="every-command").name


@pytest.mark.parametrize(("words", "command"), ASKING, ids=ids(ASKING))
class TestOfWrongInput:
    def test_without_what_it_needs(self, run, words, command):
        answer = run(*words)
        says_what_is_wrong(answer)
        if required(command):
            assert answer.status == 2, (answer.out, answer.err)

    def test_names_that_are_not_there_or_cannot_be(self, run, workspace, words, command):
        says_what_is_wrong(run(*words, *filled(command, unknown), REGISTA_WORKSPACE=workspace, stdin="n\n"))
        for name in NAMES:
            given = [name for _ in required(command)]
            says_what_is_wrong(run(*words, "--", *given, REGISTA_WORKSPACE=workspace, stdin="n\n"))


WRITING = {"job metrics"}
READERS = [(words, command) for words, command in ASKING if any("--file" in one.opts for one in command.params)]
READERS = [pair for pair in READERS if " ".join(pair[0]) not in WRITING]


@pytest.mark.parametrize(("words", "command"), READERS, ids=ids(READERS))
def test_documents_that_are_none(run, workspace, tmp_path, words, command):
    for text in DOCUMENTS:
        (tmp_path / "wrong.yml").write_bytes(text)
        answer = run(*words, *filled(command, unknown), "-f", "wrong.yml", REGISTA_WORKSPACE=workspace)
        says_what_is_wrong(answer)
        assert answer.status in {1, 2}, answer.out


def test_the_walk_finds_what_is_there():
    found = set(ids(ALL))
    assert {"model create", "job create", "online-deployment create", "trace model", "gc", "webhook create"} <= found
