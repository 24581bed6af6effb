"""What graphite-web is asked to draw where there is no Grafana."""

import pytest

from hops.webdashboard import trends

COIL = "servers.host.StabilityCollector.Example.Bay1.32"
GRAPHS = trends(COIL)


def test_there_is_a_graph_for_each_control_chart_of_the_scanners_page():
    assert [graph["title"] for graph in GRAPHS] == [
        "SNR, Example.Bay1.32",
        "Ghost level, Example.Bay1.32",
        "Drift, Example.Bay1.32",
        "Fluctuation, Example.Bay1.32",
        "Signal, Example.Bay1.32",
    ]
    assert [graph["vtitle"] for graph in GRAPHS] == ["", "", "%", "%", ""]


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph["title"])
def test_nothing_is_left_to_choose(graph):
    assert all(f"{COIL}." in target and "$" not in target for target in graph["target"])


@pytest.mark.parametrize("graph", GRAPHS, ids=lambda graph: graph["title"])
def test_limits_are_dashed_and_scans_beyond_them_are_marked(graph):
    scans, centre, lower, upper, out = graph["target"]
    assert "dashed(" not in scans
    assert "drawAsInfinite(" not in scans
    for target, name in ((centre, "centre line"), (lower, "lower limit"), (upper, "upper limit")):
        assert target.startswith("alias(color(dashed(")
        assert target.endswith(f",'{name}')")
    assert out.startswith("alias(color(alpha(drawAsInfinite(")
    assert out.endswith(",'out of control')")
