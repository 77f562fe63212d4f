"""The command line: what is filled in, what vanishes, and that every value arrives as one argument."""

import os
import random
import subprocess

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from regista.entities.command import check_command, render_command
from regista.entities.shell import ShellWriter
from regista.errors import InvalidError

VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["", " ", "'", '"', "\\", "$HOME", "`id`", "$(id)", "a b", "-n", "*", "~", "#x", "2", "A=b", "if", "\\'", '\\"', "!x",
     "{a,b}", "1..3", "\n", "a\nb", "\r", "''", "'; id; '", '"; id; "', "]]", "${{inputs.x}}", "$[[", "%s", "\t"]
)  # fmt: skip


def rendered(template, **inputs):
    return render_command(template, inputs=inputs, outputs={"o": "/out/o"})


def arguments(template, *, shell="sh", **inputs):
    """What a program gets that is called with the rendered arguments."""
    command = rendered(template, **inputs)
    ran = subprocess.run(
        [shell, "-c", command], capture_output=True, check=True, timeout=20, env={"PATH": os.environ["PATH"]}
    )
    return ran.stdout.decode().split("\0")[:-1]


class TestFillingIn:
    def test_inputs_outputs_and_search_space_are_filled_in(self):
        line = render_command(
            "python t.py --data ${{inputs.data}} --out ${{ outputs.model }} --lr ${{search_space.lr}}",
            inputs={"data": "/mnt/data"}, outputs={"model": "/mnt/out"}, search_space={"lr": "0.01"},
        )  # fmt: skip
        assert line == "python t.py --data /mnt/data --out /mnt/out --lr 0.01"

    def test_text_without_placeholders_stays_as_it_is(self):
        text = "for f in *; do echo \"$f\" | awk '{print $1}'; done  # done\ncat <<EOF\n`x`\nEOF\n"
        assert rendered(text) == text

    @pytest.mark.parametrize("kind", ["inputs", "outputs", "search_space"])
    def test_a_name_that_is_not_declared_is_refused_with_those_that_are(self, kind):
        with pytest.raises(InvalidError, match=rf"{kind}\.datta") as refusal:
            render_command(
                f"echo ${{{{{kind}.datta}}}}", inputs={"data": "1"}, outputs={"data": "1"}, search_space={"data": "1"}
            )
        assert "data" in refusal.value.hint

    @pytest.mark.parametrize("text", ["${{parent.inputs.x}}", "${{x}}", "${{inputs.x", "${{}}", "${{inputs.a-b}}"])
    def test_an_expression_that_means_nothing_is_refused(self, text):
        with pytest.raises(InvalidError, match="means nothing here"):
            rendered(f"echo {text}", x="1")


class TestOptionalGroups:
    TEMPLATE = "run $[[--rate ${{inputs.rate}}]] --out ${{outputs.o}}"

    def test_a_group_stays_without_its_brackets_when_the_input_is_there(self):
        assert rendered(self.TEMPLATE, rate="0.1") == "run --rate 0.1 --out /out/o"

    def test_a_group_vanishes_when_the_input_is_absent(self):
        assert rendered(self.TEMPLATE, rate=None) == "run  --out /out/o"

    def test_one_absent_input_takes_the_whole_group_with_it(self):
        assert rendered("run $[[${{inputs.a}} ${{inputs.b}}]]", a="1", b=None) == "run "

    def test_an_absent_input_outside_of_a_group_is_refused(self):
        with pytest.raises(InvalidError, match="has no value") as refusal:
            rendered("run ${{inputs.a}}", a=None)
        assert "$[[--a ${{inputs.a}}]]" in refusal.value.hint

    @pytest.mark.parametrize("text", ["$[[ ${{inputs.a}}", "$[[ $[[ ${{inputs.a}} ]] ]]"])
    def test_groups_that_do_not_end_or_stand_in_one_another_are_refused(self, text):
        with pytest.raises(InvalidError, match=r"\$\[\["):
            rendered(text, a="1")

    def test_an_undeclared_name_in_a_vanishing_group_is_still_refused(self):
        with pytest.raises(InvalidError, match=r"inputs\.typo"):
            rendered("$[[${{inputs.a}} ${{inputs.typo}}]]", a=None)


class TestChecking:
    def test_what_may_be_absent_must_stand_in_a_group(self):
        with pytest.raises(InvalidError, match="has no value"):
            check_command("run ${{inputs.a}}", inputs={"a": True}, outputs=[])
        check_command("run $[[${{inputs.a}}]] ${{inputs.b}}", inputs={"a": True, "b": False}, outputs=[])

    @pytest.mark.parametrize(
        "template",
        ["cat <<EOF\n${{inputs.a}}\nEOF", "echo `cat ${{inputs.a}}`", "echo ${X:-${{inputs.a}}}", "echo $${{inputs.a}}",
         "echo \\${{inputs.a}}", "echo $'${{inputs.a}}'", "echo $[ ${{inputs.a}} ]",
         'echo "$(case x in x) echo ${{inputs.a}};; esac)"'],
    )  # fmt: skip
    def test_places_that_cannot_be_followed_are_refused_before_anything_runs(self, template):
        with pytest.raises(InvalidError, match="cannot be put safely") as refusal:
            check_command(template, inputs={"a": False}, outputs=[])
        assert "environment_variables" in refusal.value.hint


class TestEveryValueArrivesAsOneArgument:
    @pytest.mark.parametrize("shell", ["sh", "bash"])
    @pytest.mark.parametrize(
        ("template", "shape"),
        [
            (r"printf '%s\0' ${{inputs.v}}", "{}"),
            (r"printf '%s\0' --x=${{inputs.v}}", "--x={}"),
            (r"printf '%s\0' pre${{inputs.v}}/post", "pre{}/post"),
            (r"printf '%s\0' ${{inputs.v}}${{inputs.v}}", "{}{}"),
            (r"""printf '%s\0' "${{inputs.v}}" """, "{}"),
            (r"""printf '%s\0' "<${{inputs.v}}>" """, "<{}>"),
            (r"""printf '%s\0' 'it: ${{inputs.v}}!'""", "it: {}!"),
            (r"""F=f; printf '%s\0' "$F${{inputs.v}}" """, "f{}"),
            (r"""F=f; printf '%s\0' $F${{inputs.v}}""", "f{}"),
            (r"""printf '%s\0' "$(printf '%s.' ${{inputs.v}})" """, "{}."),
            (r"""printf '%s\0' "$(printf '%s.' "$(printf '%s.' "${{inputs.v}}")")" """, "{}.."),
            ("# it's ${{inputs.v}}\nprintf '%s\\0' ${{inputs.v}}", "{}"),
            (r"""(printf '%s\0' ${{inputs.v}}) # don't""", "{}"),
            (r"""V=${{inputs.v}}; printf '%s\0' "$V" """, "{}"),
            (r"""case ${{inputs.v}} in *) printf '%s\0' ${{inputs.v}};; esac""", "{}"),
            (r"""printf '%s\0' a\ ${{inputs.v}}""", "a {}"),
            (r"""X="${HOME:-it}" Y=$((1 + (2 * 3))); printf '%s\0' $Y${{inputs.v}}""", "7{}"),
            ("printf '%s\\0' \\\n  ${{inputs.v}}", "{}"),
        ],
    )  # fmt: skip
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @example(value="'\"$(echo x)`echo y`\\")
    @example(value="it's; exit 3 #\n")
    @given(value=VALUES)
    def test_whatever_it_is_and_wherever_it_stands(self, shell, template, shape, value):
        assert arguments(template, shell=shell, v=value) == [shape.format(*[value] * 2)]

    def test_a_number_before_a_redirection_stays_an_argument(self, tmp_path):
        target = tmp_path / "f"
        arguments(f"printf %s ${{{{inputs.n}}}}>{target}", n="2")
        assert target.read_text() == "2"

    def test_a_list_in_one_value_is_one_argument(self):
        assert arguments(r"printf '%s\0' ${{inputs.v}}", v="--a 1 --b 2") == ["--a 1 --b 2"]

    def test_arithmetic_takes_whole_numbers_alone(self):
        assert arguments(r"printf '%s\0' $((${{inputs.n}} - ${{inputs.m}}))", n="5", m="-3") == ["8"]
        with pytest.raises(InvalidError, match="no whole number"):
            rendered("echo $((${{inputs.n}}))", n="a[$(id)]")

    @pytest.mark.parametrize("value", ["a\0b", "\ud800"])
    def test_what_no_argument_can_be_is_refused(self, value):
        with pytest.raises(InvalidError, match=r"inputs\.v"):
            rendered("echo ${{inputs.v}}", v=value)


PLACE = "${{inputs.v}}"


class Author:
    """Writes commands that a shell accepts, with placeholders wherever a person might put one."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, *choices):
        chosen = self.random.choice(choices)
        return chosen if isinstance(chosen, str) else chosen()

    def command(self, depth=3):
        dice, inner = self.random.random(), depth - 1
        if dice < 0.5 or depth <= 0:
            return "echo " + " ".join(self.word(depth) for _ in range(self.random.randint(1, 3)))
        if dice < 0.65:
            return self.command(inner) + self.pick("; ", "\n", " | ", " && ", " \\\n; ") + self.command(inner)
        if dice < 0.75:
            return f"( {self.command(inner)} )"
        if dice < 0.85:
            return f"{self.command(inner)} # it's a {PLACE} \" comment\n{self.command(inner)}"
        if dice < 0.9:
            return f"case {self.word(inner)} in x) {self.command(inner)};; *) {self.command(inner)};; esac"
        if dice < 0.95:
            return f"if test -n {self.word(inner)}; then {self.command(inner)}; fi"
        return f"F={self.word(inner)} {self.command(inner)}"

    def word(self, depth):
        pieces = [
            PLACE,
            PLACE,
            "w",
            "\\ ",
            "\\'",
            "'s \" q'",
            f"'{PLACE}'",
            "$X",
            "$((1 + (2)))",
            '`echo "x"`',
            "${X}",
            "$'q'",
        ]
        return "".join(
            self.pick(*pieces, "{a,b}", "#", lambda: self.quoted(depth), lambda: self.substitution(depth))
            for _ in range(self.random.randint(1, 3))
        )

    def quoted(self, depth):
        pieces = [PLACE, "a b", "it's", '\\"', "$X", "${X:-q}", "`echo x`", "#", "$((1+2))", "\\\\", "\n"]
        inner = [self.pick(*pieces, lambda: self.substitution(depth)) for _ in range(self.random.randint(0, 4))]
        return f'"{"".join(inner)}"'

    def substitution(self, depth):
        return f"$({self.command(depth - 1)})" if depth > 0 else "z"

    def attack(self):
        core = self.pick("$({})", "`{}`", ";{};", "\n{}\n", "|{}|", "&{}&", "&& {};", ");{};(", "$({}", ";;esac;{};")
        before = "".join(self.pick(*"'\"\\) `\n$}#") for _ in range(self.random.randint(0, 3)))
        after = "".join(self.pick(*"'\"\\( `\n#") for _ in range(self.random.randint(0, 3)))
        return before + core.format("touch canary") + after


def intrusion(shell, seeds, folder):
    """The first command in which a value ran as a program, or None."""
    ran = 0
    for seed in seeds:
        author = Author(seed)
        template, value = author.command(), author.attack()
        try:
            command = rendered(template, v=value)
        except InvalidError:
            continue
        ran += PLACE in template
        subprocess.run([shell, "-c", command], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                       check=False, timeout=20, env={"PATH": os.environ["PATH"]})  # fmt: skip
        if (folder / "canary").exists():
            return command
    assert ran > len(seeds) // 2, "too few commands were rendered to mean anything"
    return None


class TestInjection:
    @pytest.mark.slow
    @pytest.mark.parametrize("shell", ["sh", "bash"])
    def test_no_value_ever_runs_as_a_program(self, shell, tmp_path):
        assert intrusion(shell, range(1000), tmp_path) is None

    def test_a_writer_that_overlooks_comments_is_caught(self, tmp_path, monkeypatch):
        monkeypatch.setattr(ShellWriter, "_comment", lambda self, text, at: (self._frames.pop(), at)[1])
        assert intrusion("sh", range(300), tmp_path)
