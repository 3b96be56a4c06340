"""The flow of contributors with a negative weight: as wide as it is large, pale, and its sign in the label."""

from pages.token.flow import Flow, FlowNode, flow_option


def test_a_negative_weight_is_as_wide_as_it_is_large_and_says_its_sign():
    nodes = tuple(FlowNode(id=i, label=f"t{i}", weight=weight, color="#112233") for i, weight in enumerate((1.2, -0.5)))
    (series,) = flow_option(Flow(label="new", color="#000000", others=nodes, inward=True))["series"]
    assert [link["value"] for link in series["links"]] == [1.2, 0.5]
    assert ["opacity" in link["lineStyle"] for link in series["links"]] == [False, True]
    assert "-0.500" in series["data"][2]["name"]
