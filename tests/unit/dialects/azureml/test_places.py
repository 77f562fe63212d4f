"""Paths taken apart: whatever stands in them, they mean one place or none."""

import pytest
from hypothesis import given, strategies as st

from regista.dialects.azureml.call import PROVIDER, Level
from regista.dialects.azureml.places import place_of

GROUP = "/subscriptions/S/resourceGroups/G"
DEV = f"{GROUP}/providers/{PROVIDER}/workspaces/dev"


@pytest.mark.parametrize(
    ("path", "level", "rest"),
    [
        ("/metadata/endpoints", Level.ROOT, ("metadata", "endpoints")),
        ("/subscriptions/S", Level.SUBSCRIPTION, ()),
        ("/subscriptions/S/providers/P/workspaces", Level.SUBSCRIPTION, ("providers", "P", "workspaces")),
        (GROUP, Level.GROUP, ()),
        (f"{GROUP}/providers/{PROVIDER}/workspaces", Level.GROUP, ("providers", PROVIDER, "workspaces")),
        (DEV, Level.WORKSPACE, ()),
        (f"{DEV}/models/churn/versions/3", Level.WORKSPACE, ("models", "churn", "versions", "3")),
        (DEV.replace("workspaces", "registries"), Level.REGISTRY, ()),
        (
            DEV.replace(PROVIDER, "Microsoft.Storage"),
            Level.GROUP,
            ("providers", "Microsoft.Storage", "workspaces", "dev"),
        ),
        (DEV.replace("workspaces", "clusters"), Level.GROUP, ("providers", PROVIDER, "clusters", "dev")),
    ],
)
def test_each_level_has_its_paths(path, level, rest):
    place = place_of(path)
    assert (place.level, place.service, place.rest) == (level, "", rest)


def test_what_is_fixed_is_read_in_any_case_and_names_stay_as_they_are():
    place = place_of(
        f"{DEV}/models/Churn".replace("resourceGroups", "RESOURCEgroups").replace("/providers", "/Providers")
    )
    assert (place.level, place.subscription, place.resource_group, place.name) == (Level.WORKSPACE, "S", "G", "dev")
    assert place.rest == ("models", "Churn")


@pytest.mark.parametrize("service", ["history/v1.0", "mferp/managementfrontend", "artifact/v2.0", "HISTORY/v1.0"])
def test_a_service_stands_before_the_resource(service):
    place = place_of(f"/{service}{DEV}/runs/r")
    assert (place.level, place.service, place.rest) == (Level.WORKSPACE, service.split("/")[0].lower(), ("runs", "r"))


@pytest.mark.parametrize(
    "path", [f"/history{DEV}", f"/history/v9.9{DEV}", f"/x/v1.0{DEV}", "/", "//", "/subscriptions"]
)
def test_what_is_no_place_is_at_the_root(path):
    assert place_of(path).level is Level.ROOT


@given(st.text(max_size=80))
def test_any_text_is_one_place_or_none(text):
    place = place_of(text)
    assert all(place.rest)
    assert (place.level is Level.ROOT) == (place.subscription == "")
