"""A trace as a tree."""

import msgspec
import pytest
from click.testing import CliRunner

from regista.cli import trace as trace_command
from regista.cli.trace_tree import completeness_lines, plain_lines, tree_of
from regista.entities.capsule import JobDetail, JobRecord, Source, VersionRecord
from regista.entities.lineage import Edge, EdgeType
from regista.entities.trace import Completeness, DeploymentRecord, Trace, TraceNode

CODE, LOCK, DATA = (f"sha256:{digit * 64}" for digit in "abc")
TREE = "/subscriptions/s/resourceGroups/g"

DEPLOYMENT = DeploymentRecord(
    node="deployment:2/delays/blue/4", endpoint="delays", name="blue", generation=4, workspace=f"{TREE}/workspaces/prod"
)
MODEL = VersionRecord(
    node="version:3/model/churn/3", kind="model", name="churn", version="3", scope=f"{TREE}/registries/central",
    digest=CODE, size=1500, created_at=1_700_000_000_000, created_by="alice",
)  # fmt: skip
DETAIL = JobDetail(
    command="python train.py", code=CODE, git={"commit": "0123456789abcdef", "dirty": "True"}, lock=LOCK,
    log_tail="first\nsecond\n\x1b[2Jthird\n",
)  # fmt: skip
JOB = JobRecord(
    node="job:1/train-7", name="train-7", workspace=f"{TREE}/workspaces/dev", type="command", status="Completed",
    metrics={"auc": 0.912345678, "loss": 0.5}, parameters={"depth": "3"},
    sources=(
        Source(role="input:flights", node="version:1/data/flights/1", reference="azureml:flights:1", digest=DATA),
        Source(role="input:holidays", reference="./holidays.csv"),
    ),
    detail=DETAIL,
)  # fmt: skip
FLIGHTS = VersionRecord(
    node="version:1/data/flights/1", kind="data", name="flights", version="1", scope=f"{TREE}/workspaces/dev"
)


def edge(source, target, kind, role=""):
    return Edge(source=source.node, target=target.node, type=kind, role=role)


def trace(*, job=JOB, upstream=True, start=DEPLOYMENT):
    nodes = (
        TraceNode(node=DEPLOYMENT.node, known="live", deployment=DEPLOYMENT),
        TraceNode(node=MODEL.node, known="live", version=MODEL),
        TraceNode(node=JOB.node, known="capsule", job=job),
        TraceNode(node=FLIGHTS.node, known="capsule", version=FLIGHTS),
    )
    edges = (
        edge(MODEL, DEPLOYMENT, EdgeType.DEPLOYED, "model"),
        edge(JOB, MODEL, EdgeType.PRODUCED, "output"),
        edge(FLIGHTS, JOB, EdgeType.CONSUMED, "input:flights"),
    )
    missing = Completeness(known=7, expected=8, missing=("job train-7: holidays is not versioned",))
    return Trace(start=start.node, upstream=upstream, nodes=nodes, edges=edges, completeness=missing)


def lines(found, log_lines=0):
    return list(plain_lines(tree_of(found, log_lines=log_lines)))


class TestTheTree:
    def test_it_leads_from_the_deployment_to_the_data(self):
        titles = [line for line in lines(trace()) if "[" in line or " in " in line]
        assert titles == [
            "deployment delays/blue (generation 4) in workspace prod",
            "`-- model: model churn:3 in registry central",
            "    `-- made by: job train-7 [Completed] in workspace dev (capsule)",
            "        `-- input flights: data flights:1 in workspace dev (capsule)",
        ]

    def test_downstream_it_leads_the_other_way(self):
        printed = lines(trace(upstream=False, start=FLIGHTS))
        assert printed[0] == "data flights:1 in workspace dev (capsule)"
        assert [line.lstrip(" `-") for line in printed if "`--" in line] == [
            "input flights: job train-7 [Completed] in workspace dev (capsule)",
            "made: model churn:3 in registry central",
            "model: deployment delays/blue (generation 4) in workspace prod",
        ]

    def test_a_job_tells_metrics_parameters_code_environment_and_data(self):
        facts = {line.lstrip(" |`-").split()[0]: line.strip(" |") for line in lines(trace())}
        assert facts["metrics"].endswith("auc=0.912346, loss=0.5")
        assert facts["parameters"].endswith("depth=3")
        assert facts["code"].endswith("sha256:aaaaaaaaaaaa (git 0123456789ab with changes that were not committed)")
        assert facts["environment"].endswith("lock sha256:bbbbbbbbbbbb")
        data = [line.strip(" |") for line in lines(trace()) if line.strip(" |").startswith("data ")]
        assert data == ["data         holidays = ./holidays.csv (not versioned)"]

    def test_data_that_the_tree_does_not_show_is_told_with_its_digest(self):
        found = trace()
        alone = msgspec.structs.replace(found, start=JOB.node, nodes=(found.nodes[2],), edges=())
        assert "    data         flights = azureml:flights:1 sha256:cccccccccccc" in lines(alone)

    def test_what_is_anonymous_is_named_by_the_beginning_of_its_digest(self):
        code = VersionRecord(node="n", kind="code", name="anonymous", version="d" * 64, scope=f"{TREE}/workspaces/dev")
        alone = msgspec.structs.replace(
            trace(), start="n", nodes=(TraceNode(node="n", known="live", version=code),), edges=()
        )
        assert lines(alone) == ["code anonymous dddddddddddd in workspace dev"]

    def test_the_log_is_shown_on_demand_and_cannot_move_the_cursor(self):
        assert not [line for line in lines(trace()) if "third" in line]
        shown = [line for line in lines(trace(), log_lines=2) if "second" in line or "third" in line]
        assert shown[0].strip(" |") == "log          second"
        assert "\x1b" not in shown[1]
        assert not [line for line in lines(trace(), log_lines=2) if "first" in line]

    def test_no_words_of_others_reach_the_terminals_controls(self):
        found = trace()
        wicked = msgspec.structs.replace(JOB, display_name="\x1b[2J", parameters={"x": "\x1b[31m\u202e"})
        nodes = tuple(msgspec.structs.replace(one, job=wicked) if one.job else one for one in found.nodes)
        printed = "\n".join(lines(msgspec.structs.replace(found, nodes=nodes)))
        assert "[2J" in printed
        assert not {"\x1b", "\u202e"} & set(printed)

    def test_without_the_right_to_details_the_card_is_shown_and_the_permission_named(self):
        closed = msgspec.structs.replace(JOB, detail=None, sources=())
        printed = "\n".join(lines(trace(job=closed)))
        assert "auc=0.912346" in printed
        assert "provenance/detail" in printed
        assert CODE[:19] not in printed.partition("made by")[2]

    def test_a_pipeline_shows_its_steps_and_a_step_its_pipeline(self):
        whole = msgspec.structs.replace(JOB, node="job:1/whole", name="whole", type="pipeline", detail=None)
        nodes = tuple(TraceNode(node=one.node, known="live", job=one) for one in (whole, JOB))
        edges = (edge(JOB, whole, EdgeType.CONTAINS, "step:train"),)
        found = msgspec.structs.replace(trace(), start=whole.node, nodes=nodes, edges=edges)
        assert "`-- step train: job train-7 [Completed] in workspace dev" in lines(found)
        back = msgspec.structs.replace(found, start=JOB.node, upstream=False)
        assert "`-- step of: job whole [Completed] in workspace dev" in lines(back)

    def test_what_several_lead_to_is_told_once(self):
        found = trace()
        both = msgspec.structs.replace(found, edges=(*found.edges, edge(JOB, DEPLOYMENT, EdgeType.DEPLOYED, "code")))
        printed = lines(both)
        assert len([line for line in printed if "auc=" in line]) == 1
        assert len([line for line in printed if line.endswith("(above)")]) == 1

    def test_a_circle_ends(self):
        found = trace()
        round_and_round = msgspec.structs.replace(
            found, edges=(*found.edges, edge(DEPLOYMENT, FLIGHTS, EdgeType.CONSUMED))
        )
        assert lines(round_and_round)[-1].endswith("(above)")


class TestCompleteness:
    def test_it_counts_and_names_what_is_missing(self):
        assert list(completeness_lines(trace().completeness, truncated=False)) == [
            "Known: 7 of 8 facts (88%).",
            "  missing: job train-7: holidays is not versioned",
        ]

    def test_a_cut_is_said(self):
        assert "cut" in list(completeness_lines(Completeness(known=0, expected=0), truncated=True))[-1]


class TestPrinting:
    @pytest.fixture
    def printed(self, monkeypatch):
        def run(colored):
            monkeypatch.setattr(trace_command, "is_colored", lambda: colored)
            with CliRunner().isolation() as (out, _, _):
                trace_command.print_trace(trace(job=msgspec.structs.replace(JOB, display_name="[red]bold[/red]")), 3)
                return out.getvalue().decode()

        return run

    def test_for_programs_it_is_ascii(self, printed):
        assert (
            printed(colored=False).isascii() is False
        )  # the log's control character is shown as a replacement character
        assert printed(colored=False).replace("\N{REPLACEMENT CHARACTER}", "").isascii()

    def test_on_a_terminal_it_is_drawn_and_nothing_in_it_is_taken_for_markup(self, printed):
        drawn = printed(colored=True)
        assert "└── " in drawn
        assert "[red]bold[/red]" in drawn
