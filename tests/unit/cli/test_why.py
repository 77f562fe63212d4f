"""What was behind an endpoint, for people."""

import pytest
from click.testing import CliRunner

from regista.cli.why import print_why
from regista.entities.why import Behind, WhyReport


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        ("version:0a/model/churn/3", "model: churn:3"),
        (f"version:0a/model/anonymous/{'d' * 64}", f"anonymous:{'d' * 12}"),
    ],
)
def test_what_is_not_traced_is_named_all_the_same(node, shown):
    behind = Behind(deployment="blue", node="deployment:0a/flights/blue/1", generation=1, model=node)
    report = WhyReport(endpoint="flights", at=2, since=1, until=None, by="ann", reason="", deployments=(behind,))
    with CliRunner().isolation() as (out, _, _):
        print_why(report)
        assert f"{shown}\n" in out.getvalue().decode()
