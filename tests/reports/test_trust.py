"""Why size is advised as it is, and what gives each output, in words."""

import pytest

from ml.evaluation import Metric
from ml.metrics import Interval
from reports.summary import summarise
from reports.trust import (
    is_size_proven,
    selected_models,
    size_said,
    trust_of,
    trust_said,
)
from tests.conftest import SampleRun, make_settings
from tests.in_process import call_daily


def policy(name: str, dollars: float, *, is_proven: bool = False, **more) -> dict:
    """A row of the evidence."""
    return {
        "policy": name, "trade_reduction": 0.1, "improvement_over_uniform": dollars,
        "value_low": dollars - 1000, "value_high": dollars + 1000,
        "is_proven": is_proven, "rows_count": 1297,
    } | more  # fmt: skip


NOTHING = (
    "No rule for cutting size is a significant improvement on cutting everyone by the "
    "same share"
)
ON = (
    "than cutting everyone by the same share, on 1,297 trader-days (simulated, out of "
    "sample)."
)


@pytest.mark.parametrize(
    ("evidence", "policies", "said"),
    [
        ([], set(), None),
        (
            [], {"watch"},
            "No evidence yet on any rule for cutting size: watch, size as usual.",
        ),
        (
            [policy("rules", 400), policy("limit_risk", -9000)], {"watch"},
            f"{NOTHING}: watch, size as usual. The best so far, "
            f"cut by the risk manager's rules: $400 more (90 % −$600 to $1,400) {ON}",
        ),
        (
            [policy("rules", -400, value_low=None, value_high=None)], {"fixed"},
            f"{NOTHING}; POLICY sets one: size cut by the desk's "
            "thresholds of expected P&L. The best so far, cut by "
            f"the risk manager's rules: $400 less {ON}",
        ),
        (
            [policy("rules", 4000, is_proven=True)], {"rules"},
            "Size cut by the risk manager's rules, on significant evidence: $4,000 "
            f"more (90 % $3,000 to $5,000) {ON}",
        ),
        (
            [policy("rules", 4000, is_proven=True)], {"watch"},
            "Size as POLICY sets it: watch, size as usual. The significant evidence is "
            "for another, cut by the risk manager's rules: $4,000 more (90 % $3,000 to "
            f"$5,000) {ON}",
        ),
    ],
)  # fmt: skip
def test_the_size_that_is_advised_is_given_its_reason(
    evidence: list[dict], policies: set[str], said: str | None
) -> None:
    assert size_said(evidence, policies) == said


def test_size_is_proven_where_the_evidence_is_for_what_is_in_use() -> None:
    evidence = [policy("rules", 4000, is_proven=True), policy("adaptive", 1)]
    assert is_size_proven(evidence, {"rules"})
    assert not is_size_proven(evidence, {"adaptive", "watch"})
    assert not is_size_proven([], {"rules"})


CHAMPION = "champion"
AUC = ("breach", "auc", CHAMPION)
GAIN = ("breach", "log_loss_gain", CHAMPION)
WITHIN = ("breach", "auc_within_trader", CHAMPION)
ERROR, ZERO = ("pnl", "mae", CHAMPION), ("pnl", "mae", "zero")
DIRECTION = ("pnl", "directional_accuracy", CHAMPION)
SOUND = {
    AUC: (0.706, 0.66, 0.75), GAIN: (0.03, 0.02, 0.05), WITHIN: (0.6, 0.55, 0.65),
    ERROR: (500.0, 400.0, 600.0), ZERO: (900.0, None, None),
    DIRECTION: (0.56, 0.54, 0.58),
}  # fmt: skip
MEASURED = "(AUC 0.71 out of sample, 0.50 is a coin toss)"


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        (
            {}, "The chance of breaching the limit separates risky traders from "
            f"others {MEASURED}, and a trader's risky days from the rest; dollar "
            "amounts have a smaller error than predicting zero.",
        ),
        ({WITHIN: (0.52, 0.48, 0.56)}, "not a trader's risky days from the rest;"),
        (
            {GAIN: (0.01, -0.01, 0.03)},
            "Do not rely on the chance of breaching the limit: no significant "
            f"improvement on one rate for the whole desk {MEASURED};",
        ),
        # An interval that was not made proves nothing.
        ({GAIN: (0.01, None, None)}, "Do not rely on"),
        (
            {ERROR: (700.0, 600.0, 950.0)},
            "dollar amounts are rough: direction, not size.",
        ),
        (
            {ERROR: (700.0, 600.0, 950.0), DIRECTION: (0.52, 0.49, 0.55)},
            "dollar amounts are rough: neither direction nor size.",
        ),
        ({AUC: (float("nan"), None, None)}, "No verdict on the forecasts yet: "),
    ],
)  # fmt: skip
def test_the_verdict_is_one_sentence_from_the_figures(figures: dict, said: str) -> None:
    told = trust_said(SOUND | figures)
    assert said in told
    assert told.count(". ") == 0
    assert told.endswith(".")


def test_the_verdict_is_the_same_of_what_was_just_measured() -> None:
    metrics = [
        Metric(model, target, trader, period, metric, value,
               low and Interval(low, high, low, high), 900)
        for (target, metric, model), (value, low, high) in SOUND.items()
        # Figures of a part do not count.
        for trader, period in ((None, ""),)
    ] + [Metric(CHAMPION, "breach", "T1", "", "auc", 0.1, None, 20)]  # fmt: skip
    assert trust_of(metrics) == trust_said(SOUND)


@pytest.mark.parametrize(
    "command", [("verify",), ("explain",), ("explain", "--trader", "SIM022")]
)
def test_commands_and_report_have_the_same_verdict(
    sample: SampleRun, command: tuple[str, ...]
) -> None:
    told = summarise(make_settings(source="sample"), sample.home)["trust"]
    run = call_daily(*command, SOURCE="sample", RISK_HOME=sample.home.root)
    assert told in " ".join((run.out + run.err).split())
    text = (sample.home.reports / "2025-12-19" / "report.txt").read_text()
    assert told in " ".join(text.split())


def test_outputs_from_the_same_model_are_told_together() -> None:
    one = {
        "breach_model": "reference", "realised_loss_model": "reference",
        "loss_model": "global", "size_model": None, "pnl_model": "per_trader",
        "quantiles_model": "new_one",
    }  # fmt: skip
    other = one | {"pnl_model": "global"}
    assert selected_models([one, one, other]) == [
        "chance of breaching the limit, chance of losing in trading from how often and "
        "how much the trader loses",
        "loss probability from the model of all traders",
        "expected P&L from the trader's own model (2), the model of all traders (1)",
        "interval from new_one",
    ]
