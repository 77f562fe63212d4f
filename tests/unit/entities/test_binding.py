"""Bindings between the nodes of a pipeline."""

import pytest

from regista.entities.binding import NodeOutput, ParentInput, ParentOutput, parse_binding
from regista.errors import InvalidError


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("${{parent.inputs.x}}", ParentInput("x")),
        (" ${{ parent.inputs.x }} ", ParentInput("x")),
        ("${{parent.outputs.model}}", ParentOutput("model")),
        ("${{parent.jobs.train.outputs.model}}", NodeOutput("train", "model")),
    ],
)
def test_a_binding_is_read_and_written_back(text, binding):
    assert parse_binding(text) == binding
    assert parse_binding(str(binding)) == binding


@pytest.mark.parametrize("text", ["", "azureml:a:1", "$HOME", "{{x}}", "$[[x]]"])
def test_a_plain_text_is_no_binding(text):
    assert parse_binding(text) is None


@pytest.mark.parametrize(
    "text", ["a ${{parent.inputs.x}}", "${{parent.inputs.x}}${{parent.inputs.y}}", "${{x}} b", "${{"]
)
def test_a_binding_with_text_around_it_is_refused(text):
    with pytest.raises(InvalidError, match="mixes a binding"):
        parse_binding(text)


@pytest.mark.parametrize(
    "text",
    [
        "${{inputs.x}}",
        "${{parent.x}}",
        "${{parent.jobs.a.inputs.x}}",
        "${{parent.inputs.x.y}}",
        "${{}}",
        "${{parents.inputs.x}}",
    ],
)
def test_anything_else_in_the_brackets_is_refused_with_the_forms_there_are(text):
    with pytest.raises(InvalidError, match="is not a binding") as refusal:
        parse_binding(text)
    assert "parent.jobs.NODE.outputs.NAME" in refusal.value.hint


@pytest.mark.parametrize("text", ["${{parent.inputs.a-b}}", "${{parent.jobs.1.outputs.o}}", "${{parent.outputs.}}"])
def test_a_name_that_nothing_can_have_is_refused(text):
    with pytest.raises(InvalidError, match="cannot name"):
        parse_binding(text)
