"""The README shows the help texts that the program prints."""

import pytest

from scripts.check_readme import WIDTH, UncheckableError, answered, main, renewed, run_program

BLOCK = "# Title\n\n```console help\n$ regista model --help\n{text}```\n\nWords.\n"


def program(arguments):
    return f"\nUsage: {' '.join(arguments)}   \n\n  Help.\n\n"


class TestTheReadme:
    def test_shows_what_the_program_prints(self, root, capfd):
        assert main([str(root / "README.md")]) == 0, capfd.readouterr().out


class TestChecking:
    def test_a_fresh_block_stays_as_it_is(self):
        fresh = BLOCK.format(text="Usage: regista model --help\n\n  Help.\n")
        assert renewed(fresh, program) == fresh

    def test_a_stale_block_gets_the_programs_words_and_nothing_else_changes(self):
        stale, fresh = BLOCK.format(text="Old.\n"), BLOCK.format(text="Usage: regista model --help\n\n  Help.\n")
        assert renewed(stale, program) == fresh

    def test_a_block_may_hold_several_commands(self):
        body = "$ regista --help\nold\n$ regista job --help\nold\n"
        assert [line for line in answered(body, program).splitlines() if line.startswith("Usage")] == [
            "Usage: regista --help",
            "Usage: regista job --help",
        ]

    def test_blocks_without_the_tag_are_left_alone(self):
        plain = "```console\n$ regista model --help\nanything\n```\n"
        assert renewed(plain, program) == plain

    @pytest.mark.parametrize("body", ["", "no command\n", "$ rm -rf --help\n", "$ regista model delete\n"])
    def test_a_block_that_cannot_be_checked_is_an_error(self, body):
        with pytest.raises(UncheckableError):
            answered(body, program)


class TestTheCommand:
    @pytest.fixture
    def readme(self, tmp_path):
        path = tmp_path / "README.md"
        path.write_text(BLOCK.format(text="Old.\n"))
        return path

    def test_fails_with_a_diff_on_a_stale_block(self, readme, capfd):
        assert main([str(readme)], program) == 1
        assert "-Old.\n" in capfd.readouterr().out

    def test_is_quiet_after_an_update(self, readme, capfd):
        assert main(["--update", str(readme)], program) == 0
        assert main([str(readme)], program) == 0
        assert capfd.readouterr().out == ""

    def test_names_what_it_cannot_check(self, readme, capfd):
        readme.write_text("```console help\nno command\n```\n")
        assert main([str(readme)], program) == 1
        assert "no line that starts with `$ `" in capfd.readouterr().err


class TestRunningTheProgram:
    def test_it_sees_a_terminal_of_the_agreed_width_and_none_of_the_callers_configuration(self, monkeypatch):
        monkeypatch.setenv("REGISTA_PROFILE", "mine")
        seen = "import os; print(os.environ['COLUMNS'], os.environ.get('REGISTA_PROFILE'))"
        assert run_program(["python", "-c", seen]) == f"{WIDTH} None\n"

    def test_a_command_that_fails_is_an_error_with_its_words(self):
        with pytest.raises(UncheckableError, match="ends with 3:\nno such noun"):
            run_program(["python", "-c", "print('no such noun'); raise SystemExit(3)"])
