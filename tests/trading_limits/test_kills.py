"""SIGKILL before and after each file that a command puts in its place, then again."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.errors import UserError
from tests.trading_limits.desk import AFTER, LimitsDesk
from tests.trading_limits.test_export import FILES, RULES, parsed
from trading_limits.verify import verify

# Of a morning from proposal to the last file: ledger, head and set, or a platform's.
MOST_FILES = 40


def killed_at(work: Callable[[], object], count: int, *, after: bool) -> bool:
    """Whether a process was killed as it put its nth file in place; else it is done."""

    def run() -> None:
        replace, seen = os.replace, 0

        def counted(source: Path, target: Path) -> None:
            nonlocal seen
            seen += 1
            if seen == count and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = counted
        work()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def morning(limits: LimitsDesk) -> None:
    """Propose, amend, approve and export; again, whatever is done already."""
    limits.propose()
    if ("A2", "max_order_shares") not in limits.in_force():
        limits.amend("ann", 500, account="A2", limit="max_order_shares")
        limits.decide("bob")
    for platform in FILES:
        limits.export(platform)


@pytest.mark.few(1)
@pytest.mark.parametrize("after", [False, True])
def test_a_killed_morning_is_done_by_the_next_try(
    limits: LimitsDesk, *, after: bool
) -> None:
    limits.publish(ibkr_rules=RULES)
    kills = 0
    for count in range(1, MOST_FILES):
        # From the start each time, on what the kills before have left.
        if not killed_at(lambda: morning(limits), count, after=after):
            break
        kills += 1
        # Whatever was on the way, nothing is half there.
        limits.state()
        for platform in FILES:
            path = limits.exported(platform)
            assert not path.exists() or parsed(limits, platform)
    else:
        raise AssertionError("never done")
    assert kills > 3
    verify(limits.home)
    expected = {("A1", "max_loss"): 1130, ("A2", "max_loss"): 1000}
    assert parsed(limits, "tt") == expected
    expected |= {("A2", "max_order_shares"): 500}
    assert limits.in_force() == expected
    for platform in set(FILES) - {"tt"}:
        assert parsed(limits, platform) == expected
    kinds = [entry.kind for entry in limits.entries()]
    assert kinds.count("exported") == len(FILES)
    assert kinds.count("approved") == kinds.count("proposed") == 1


@pytest.mark.long
def test_killed_at_each_place_of_each_command(limits: LimitsDesk) -> None:
    """The command again does what it did not do, and nothing twice."""
    limits.publish(ibkr_rules=RULES)
    steps: list[Callable[[], object]] = [
        limits.propose,
        lambda: limits.decide("bob"),
        lambda: limits.export("ibkr"),
        lambda: (limits.publish(session=AFTER), limits.propose())[1],
        lambda: limits.export("csv"),
    ]
    for step in steps:
        for count in range(1, MOST_FILES):
            before = len(limits.entries())
            if not killed_at(
                lambda step=step: with_refusal(step), count, after=count % 2 == 0
            ):
                break
            if len(limits.entries()) > before:
                # The ledger has it: to ask again is refused, or does nothing more.
                with_refusal(limits.propose)
        with_refusal(step)
        verify(limits.home)
    assert limits.in_force() == {("A1", "max_loss"): 1500, ("A2", "max_loss"): 1000}
    kinds = [entry.kind for entry in limits.entries()]
    assert kinds.count("expired") == kinds.count("approved") == 1
    assert kinds.count("exported") == 2


def with_refusal(work: Callable[[], object]) -> None:
    """Do something; that it is done already is no fault."""
    try:
        work()
    except UserError as error:
        assert "Nothing waits for a decision" in str(error)
