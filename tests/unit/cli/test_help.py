"""Every command explains itself, and what it shows as an example can be typed."""

import shlex
import subprocess
import sys

import click
import pytest

from regista.cli.main import NOUNS, cli, commands


def leaves(command, words):
    """Every command that does something, with the words that lead to it."""
    if not isinstance(command, click.Group):
        yield words, command
        return
    context = click.Context(command, info_name=words[-1] if words else "regista")
    for name in command.list_commands(context):
        yield from leaves(command.get_command(context, name), (*words, name))


ALL = dict(leaves(commands, ()))


@pytest.mark.parametrize("words", ALL, ids=" ".join)
class TestEveryCommand:
    def test_says_what_it_does_and_shows_an_example(self, words):
        command = ALL[words]
        assert command.help
        assert (command.epilog or "").startswith("\b\nExample: "), "give it epilog='Example: regista …'"

    def test_shows_an_example_that_the_program_understands(self, words, monkeypatch):
        """The words of the example are parsed by the command itself: they lead to it, and its options are there."""
        for kind in (click.Path, click.File):  # its files need not be here
            monkeypatch.setattr(kind, "convert", lambda self, value, param, ctx: value)
        shown = ALL[words].epilog.removeprefix("\b\nExample: ").replace('eval "$(', "").replace(')"', "")
        typed = shlex.split(shown.partition(" >> ")[0].partition(" | ")[0])
        assert tuple(typed[1 : len(words) + 1]) == words
        ALL[words].make_context(words[-1], typed[len(words) + 1 :])


class TestTheGroup:
    def test_every_noun_of_the_table_is_there_and_says_in_a_line_what_it_is_for(self):
        context = click.Context(commands)
        assert all(commands.get_command(context, name) for name in NOUNS)
        assert all(text.endswith(".") and len(text) < 70 for _, text in NOUNS.values())

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["modle"], "Did you mean 'model'"),
            (["model", "lits"], "Did you mean 'list'"),
            (["model", "alias", "sett"], "Did you mean 'set'"),
            (["workspace", "frobnicate"], "There are: create, delete"),
            (["model", "show", "--verison", "3"], "--version"),
        ],
    )
    def test_what_is_mistyped_is_met_with_what_is_near(self, words, said, capsys):
        with pytest.raises(SystemExit) as end:
            cli(words)
        assert end.value.code == 2
        shown = capsys.readouterr()
        assert said in shown.err
        assert shown.out == ""

    def test_help_and_version_succeed(self, capsys):
        for words in (["--help"], ["-h"], ["--version"], ["model", "-h"], ["model", "alias", "set", "--help"]):
            with pytest.raises(SystemExit) as end:
                cli(words)
            assert end.value.code == 0
        assert "regista model alias set" in capsys.readouterr().out

    def test_an_example_is_not_broken_into_lines(self, capsys):
        with pytest.raises(SystemExit):
            cli(["model", "share", "--help"])
        assert (
            "\n  Example: regista model share churn:3 -w dev --registry-name central --dry-run\n"
            in capsys.readouterr().out
        )

    def test_help_imports_nothing_that_is_slow(self):
        asked = (
            "import sys\nfrom regista.cli.main import cli\n"
            "try:\n    cli(['--help'])\nexcept SystemExit:\n    print(*sys.modules, file=sys.stderr)"
        )
        ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
        imported = {name.partition(".")[0] for name in ran.stderr.split()}
        assert "click" in imported
        assert (
            imported & {"rich", "msgspec", "litestar", "sqlalchemy", "urllib3", "uvicorn", "yaml", "cryptography"}
            == set()
        )

    @pytest.mark.parametrize(
        ("typed", "offered"),
        [
            ("regista mod", "model"),
            ("regista model sh", "share"),
            ("regista model show --l", "--label"),
            ("regista job met", "metrics"),
            ("regista profile add --lo", "--local"),
        ],
    )
    def test_the_tab_key_offers_nouns_verbs_and_options(self, typed, offered):
        import os

        words = {"_REGISTA_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
        command = [sys.executable, "-c", "from regista.__main__ import main; main()"]
        ran = subprocess.run(command, env=os.environ | words, capture_output=True, text=True, check=True)
        assert f"plain,{offered}" in ran.stdout.split()


class TestFaults:
    def test_a_fault_of_our_own_is_a_message_and_not_a_traceback(self, monkeypatch, capsys):
        def broken():
            raise KeyError("nobody thought of this")

        monkeypatch.setitem(NOUNS, "broken", (f"{__name__}:broken", "Breaks."))
        monkeypatch.setattr(sys.modules[__name__], "broken", click.Command("broken", callback=broken), raising=False)
        with pytest.raises(SystemExit) as end:
            cli(["broken"])
        assert end.value.code == 1
        said = capsys.readouterr().err
        assert "nobody thought of this" in said
        assert "Traceback" not in said
