"""Versions and references for people."""

import pytest

from regista.cli.asset_card import shortly


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("azureml://locations/any/workspaces/0a/data/flights/versions/3", "azureml:flights:3"),
        (f"azureml://locations/any/workspaces/0a/data/anonymous/versions/{'d' * 64}", f"anonymous {'d' * 12}"),
        ("azureml://locations/any/workspaces/0b/data/flights/versions/3",) * 2,
        ("azureml://jobs/j/outputs/o",) * 2,
        ("https://host.example/x.csv",) * 2,
        ("", ""),
    ],
)
def test_what_is_of_the_own_scope_is_named_shortly(reference, shown):
    assert shortly(reference, "0a") == shown
