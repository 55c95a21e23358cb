"""Why size is advised as it is, and what gives each output, in words."""

import pytest

from reports.trust import selected_models, size_said


def policy(name: str, dollars: float, *, is_proven: bool = False, **more) -> dict:
    """A row of the evidence."""
    return {
        "policy": name, "trade_reduction": 0.1, "improvement_over_uniform": dollars,
        "value_low": dollars - 1000, "value_high": dollars + 1000,
        "is_proven": is_proven, "rows_count": 1297,
    } | more  # fmt: skip


NOTHING = (
    "No policy of size has clearly earned more than cutting everyone alike by as much"
)
ON = "than cutting everyone alike by as much, on 1,297 trader-days."


@pytest.mark.parametrize(
    ("evidence", "policies", "said"),
    [
        ([], set(), None),
        (
            [], {"watch"},
            "No past forecast tells yet what a policy of size earns: watch, size as "
            "usual.",
        ),
        (
            [policy("rules", 400), policy("limit_risk", -9000)], {"watch"},
            f"{NOTHING}: watch, size as usual. The best so far, "
            f"cut by the risk manager's rules: $400 more (90 % −$600 to $1,400) {ON}",
        ),
        (
            [policy("rules", -400, value_low=None, value_high=None)], {"fixed"},
            f"{NOTHING}; POLICY sets one all the same: size cut by the desk's "
            "thresholds of expected P&L. The best so far, cut by "
            f"the risk manager's rules: $400 less {ON}",
        ),
        (
            [policy("rules", 4000, is_proven=True)], {"rules"},
            "Size cut by the risk manager's rules, which is proven: $4,000 more "
            f"(90 % $3,000 to $5,000) {ON}",
        ),
        (
            [policy("rules", 4000, is_proven=True)], {"watch"},
            "Size as POLICY sets it: watch, size as usual. Proven is another, cut by "
            f"the risk manager's rules: $4,000 more (90 % $3,000 to $5,000) {ON}",
        ),
    ],
)  # fmt: skip
def test_the_size_that_is_advised_is_given_its_reason(
    evidence: list[dict], policies: set[str], said: str | None
) -> None:
    assert size_said(evidence, policies) == said


def test_outputs_from_the_same_model_are_told_together() -> None:
    one = {
        "breach_model": "reference", "realised_loss_model": "reference",
        "loss_model": "global", "size_model": None, "pnl_model": "per_trader",
        "quantiles_model": "new_one",
    }  # fmt: skip
    other = one | {"pnl_model": "global"}
    assert selected_models([one, one, other]) == [
        "chance of passing the limit, chance of losing in trading from how often and "
        "how much the trader loses",
        "loss probability from the model of all traders",
        "expected P&L from the trader's own model (2), the model of all traders (1)",
        "interval from new_one",
    ]
