"""Looks at a busy desk: whose fill has waited longest is read, and sent, first."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from live.figures import DESK, Snapshot
from live.page import follow
from live.session import Session
from tests.live import desk
from tests.live.desk import DAY, OPEN, Feed, reports, running
from tests.live.test_page import Following

NAMES = [f"T{number:02}" for number in range(20)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The session's own seconds, which a test sets."""
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(
        "live.session.time", SimpleNamespace(monotonic=lambda: clock.now)
    )
    return clock


@pytest.fixture
def busy(tmp_path: Path, clock: SimpleNamespace) -> Iterator[tuple[Feed, Session]]:
    """A desk that somebody has looked at, before its first fill."""
    del clock
    folder = tmp_path / str(DAY)
    folder.mkdir()
    feed, begun = Feed(), desk.opening(NAMES)
    # The last two accounts are one trader's.
    both = replace(begun.accounts["T19"], trader_id="T18")
    begun = replace(begun, accounts=begun.accounts | {"T19": both})
    with Session(folder, begun, [feed], clock=lambda: OPEN) as session:
        session.snapshot()
        yield feed, session


_numbers = itertools.count(1)


def trade(feed: Feed, *names: str) -> None:
    """A fill of each, one after the other."""
    for name in names:
        feed.receive([next(reports([name], ["ABC"], first=next(_numbers)))])


def read(snapshot: Snapshot, kind: str = "trader") -> dict[str, int]:
    """Fills of whoever has any in the figures."""
    return {
        scope[1]: one.fills_count
        for scope, one in snapshot.scopes.items()
        if scope[0] == kind and one.fills_count
    }


def test_who_waits_longest_is_read_first(busy: tuple[Feed, Session]) -> None:
    feed, session = busy
    trade(feed, *NAMES[:10])
    first = session.snapshot(most=4)
    assert read(first) == dict.fromkeys(NAMES[:4], 1)
    assert (first.sequence, first.is_partial) == (4, True)
    # Who trades again waits anew, who waits keeps the place.
    trade(feed, "T00", "T09")
    second = session.snapshot(most=4)
    assert read(second) == dict.fromkeys(NAMES[:8], 1)
    assert (second.sequence, second.is_partial) == (8, True)
    third = session.snapshot(most=4)
    assert read(third) == dict.fromkeys(NAMES[:9], 1) | {"T00": 2, "T09": 2}
    assert (third.sequence, third.is_partial) == (12, False)
    assert third.scopes[DESK].fills_count == 12
    assert session.snapshot(most=4) is third


def test_a_trader_is_read_with_all_accounts(busy: tuple[Feed, Session]) -> None:
    feed, session = busy
    trade(feed, "T19", "T00", "T01", "T18")
    found = session.snapshot(most=1)
    assert read(found) == {"T18": 2}
    assert read(found, "account") == {"T18": 1, "T19": 1}
    assert found.sequence == 1


def test_the_desk_is_summed_at_its_own_pace_with_every_fill(
    busy: tuple[Feed, Session], clock: SimpleNamespace
) -> None:
    feed, session = busy
    trade(feed, *NAMES[:10])
    found = session.snapshot(most=2)
    assert found.scopes[DESK].fills_count == 0
    clock.now += 0.2
    found = session.snapshot(most=2)
    assert found.is_partial
    assert found.scopes[DESK].fills_count == 10
    groups = read(found, "trader_group")
    assert sum(groups.values()) == 10
    # Who has been summed and not been read has the turn all the same.
    assert read(found) == dict.fromkeys(NAMES[:4], 1)
    assert read(session.snapshot()) == dict.fromkeys(NAMES[:10], 1)


def test_figures_without_an_old_fill_will_not_do(
    busy: tuple[Feed, Session], clock: SimpleNamespace
) -> None:
    feed, session = busy
    clock.now += 1
    trade(feed, *NAMES[:8])
    assert session.snapshot(most=4).is_partial
    clock.now += 0.2
    trade(feed, *NAMES[8:12])
    partial = session.snapshot(most=4)
    assert partial.is_partial
    # It is without fills of now alone: of up to 0.2 s ago it has all.
    clock.now += 0.05
    assert session.snapshot(oldest=0.3) is partial
    clock.now += 0.1
    whole = session.snapshot(oldest=0.3)
    assert not whole.is_partial
    assert read(whole) == dict.fromkeys(NAMES[:12], 1)


def test_the_page_gets_the_rest_though_nobody_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "BEAT_SECONDS", 60)
    monkeypatch.setattr(follow, "MOST_ACCOUNTS", 2)
    with running(tmp_path, NAMES) as (feed, _, page):
        following = Following(page)
        events = iter(following)
        _, first = next(events)
        shown, sequences = dict(first["parts"]), []
        feed.send(list(itertools.islice(reports(NAMES, ["ABC"]), 200)))
        for _, event in events:
            shown |= event["parts"]
            for name, fields in event["fields"].items():
                shown[name] = shown[name] | fields
            sequences.append(event["sequence"])
            if event["sequence"] == 200:
                break
        following.close()
    assert sequences == sorted(sequences)
    assert len(sequences) >= len(NAMES) / 2
    counts = [shown[f"row/trader/{name}"]["fills_count"] for name in NAMES]
    assert sum(counts) == shown["row/desk/desk"]["fills_count"] == 200
