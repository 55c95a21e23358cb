"""Limits over Tradovate's REST API, against a server that behaves as documented."""

import json
import os
import signal
from collections.abc import Iterator

import pytest
import requests

from runtime.errors import UserError
from tests.conftest import make_settings
from tests.trading_limits.desk import NEXT, LimitsDesk
from tests.trading_limits.test_kills import killed_at
from trading_limits.platforms import tradovate
from trading_limits.simulated_tradovate import (
    PASSWORD,
    SECRET,
    TOKEN,
    Tradovate,
    tradovate_server,
)

APPROVED = {
    11: {"id": 11, "dailyLossAutoLiq": 1130.0, "dailyLossAlert": 565.0},
    12: {"id": 12, "dailyLossAutoLiq": 1000.0, "dailyLossAlert": 750.0},
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tradovate]:
    monkeypatch.setattr(tradovate, "WAITS_SECONDS", 0.0)
    with tradovate_server() as made:
        yield made


@pytest.fixture
def approved(limits: LimitsDesk, server: Tradovate) -> LimitsDesk:
    """Two daily loss limits are approved, and Tradovate is set."""
    limits.settings = make_settings(
        source="sample", risk_home=limits.settings.risk_home,
        limits_keys=limits.settings.limits_keys, tradovate_url=server.url,
        tradovate_user="desk", tradovate_password=PASSWORD, tradovate_cid=7,
        tradovate_secret=SECRET,
    )  # fmt: skip
    limits.propose()
    limits.decide("bob")
    return limits


def exported(limits: LimitsDesk) -> list[str]:
    return [one.kind for one in limits.entries() if one.kind == "exported"]


def refused(limits: LimitsDesk) -> str:
    """The line, which holds no secret; nothing is said to be confirmed."""
    with pytest.raises(UserError) as caught:
        limits.export("tradovate")
    line = str(caught.value)
    assert "\n" not in line
    assert not any(secret in line for secret in (PASSWORD, SECRET, TOKEN))
    assert exported(limits) == []
    assert not limits.exported("tradovate").exists()
    return line


def test_what_is_approved_is_set_and_read_back(
    approved: LimitsDesk, server: Tradovate
) -> None:
    server.limits[12] = {"id": 12, "weeklyLossAutoLiq": 5000.0, "doNotUnlock": True}
    said = approved.export("tradovate")
    assert "2 accounts at Tradovate are as approved, read back; set now: A1, A2" in said
    # What else is set there stays.
    kept = {"weeklyLossAutoLiq": 5000.0, "doNotUnlock": True}
    assert server.limits == {11: APPROVED[11], 12: APPROVED[12] | kept}
    assert exported(approved) == ["exported"]
    # Again: read, and nothing set.
    assert "set now: none" in approved.export("tradovate")
    assert (server.updates, exported(approved)) == ([11, 12], ["exported"])


def test_what_drifted_is_set_again(approved: LimitsDesk, server: Tradovate) -> None:
    approved.export("tradovate")
    server.limits[11]["dailyLossAutoLiq"] = 9999.0
    assert "set now: A1" in approved.export("tradovate")
    assert server.limits == APPROVED


def test_dry_run_asks_nobody(approved: LimitsDesk, server: Tradovate) -> None:
    server.failures = [500] * 99
    shown = approved.export("tradovate", shows_only=True)
    accounts = json.loads(shown.partition("\nNothing was written")[0])
    assert accounts["A1"] == {"dailyLossAutoLiq": 1130.0, "dailyLossAlert": 565.0}
    assert (server.limits, len(server.failures)) == ({}, 99)


def test_nothing_is_sent_that_nobody_approved(
    approved: LimitsDesk, server: Tradovate
) -> None:
    approved.publish(session=NEXT)
    assert "No limits are proposed" in refused(approved)
    assert server.updates == []


@pytest.mark.parametrize(
    "failures",
    [
        [500], [503, 502, 500], ["drop"], ["penalty"], ["penalty", 500, "penalty"],
        [None, None, None, "drop"], [None, None, None, "penalty", None, 500],
    ],
)  # fmt: skip
def test_failures_that_pass_are_tried_again(
    approved: LimitsDesk, server: Tradovate, failures: list
) -> None:
    server.failures = [*failures]
    approved.export("tradovate")
    assert server.limits == APPROVED


@pytest.mark.parametrize(
    ("failures", "problem"),
    [
        ([500] * 99, "Tradovate answers with 500"),
        (["drop"] * 99, "Tradovate does not answer"),
        (["penalty"] * 99, "asks to wait again and again"),
        ([429], "takes no more requests for an hour"),
        (["captcha"], "wants a person to log in first"),
        ([404], "Tradovate answers with 404"),
    ],
)
def test_a_platform_that_is_down_is_one_line_and_changes_nothing(
    approved: LimitsDesk, server: Tradovate, failures: list, problem: str
) -> None:
    server.failures = failures
    assert problem in refused(approved)
    assert server.limits == {}


def test_some_accounts_that_fail_are_named_and_the_others_not_sent_twice(
    approved: LimitsDesk, server: Tradovate
) -> None:
    server.refused = {11}
    line = refused(approved)
    assert "has 1 of 2 accounts as approved; not A1 (Tradovate refused it)" in line
    server.refused, server.deaf = set(), {11}
    assert "not A1 (read back, it is another)" in refused(approved)
    server.deaf = set()
    assert "set now: A1." not in approved.export("tradovate")
    assert server.limits == APPROVED
    assert server.updates.count(12) == 1


def test_an_account_that_tradovate_does_not_know_stops_the_whole(
    approved: LimitsDesk, server: Tradovate
) -> None:
    del server.accounts["A2"]
    assert "knows no account A2. Nothing was sent" in refused(approved)
    assert server.updates == []


def test_a_wrong_log_in_and_missing_settings_are_one_line(
    approved: LimitsDesk, server: Tradovate
) -> None:
    right = approved.settings
    approved.settings = right.model_copy(
        update={"tradovate_secret": type(right.tradovate_secret)("other")}
    )
    assert "does not log in with these TRADOVATE_ settings" in refused(approved)
    approved.settings = right.model_copy(update={"tradovate_cid": None})
    assert "PLATFORM=tradovate needs TRADOVATE_URL" in refused(approved)
    assert server.updates == []


@pytest.mark.few(3)
@pytest.mark.parametrize("count", range(1, 9))
def test_killed_after_any_request_it_ends_with_exactly_what_is_approved(
    approved: LimitsDesk, server: Tradovate, count: int
) -> None:
    def killed_by_then() -> None:
        asked, ask = 0, requests.Session.request

        def counted(*arguments: object, **options: object) -> requests.Response:
            nonlocal asked
            answer = ask(*arguments, **options)
            asked += 1
            if asked == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        requests.Session.request = counted
        approved.export("tradovate")

    # Of log-in, list, and each account read, set, read: eight.
    assert killed_at(killed_by_then, 0, after=True)
    assert exported(approved) == []
    approved.export("tradovate")
    assert server.limits == APPROVED
    assert server.updates == [11, 12]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_killed_on_the_way_it_ends_with_exactly_what_is_approved(
    approved: LimitsDesk, server: Tradovate, count: int
) -> None:
    # The file, the ledger, its head; what was set before is found set.
    assert killed_at(lambda: approved.export("tradovate"), count, after=True)
    approved.export("tradovate")
    assert server.limits == APPROVED
    assert server.updates == [11, 12]
    assert exported(approved) == ["exported"]
