"""PropReports, polled during the day, against the simulated API over HTTP."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from ingestion.client import PropReportsClient
from ingestion.simulator import Account, Fill, Firm, serve
from live.figures import Snapshot
from live.session import Session
from live.sources.propreports import PropReportsSource
from runtime.sessions import EASTERN
from tests.live.days import opening_of

DAY = date(2025, 3, 3)
LATER = datetime(2025, 3, 3, 20, tzinfo=EASTERN)
FILL = Fill(
    datetime(2025, 3, 3, 10), "ACC1 Somebody", "B", Decimal(100), "ABC", Decimal("10"),
    fill_id="1", propreports_id=11,
)  # fmt: skip


def until(session: Session, is_so: Callable[[Snapshot], bool], what: str) -> Snapshot:
    """The first snapshot of which something is so, within seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = session.snapshot()
        if is_so(found):
            return found
        time.sleep(0.05)
    raise AssertionError(f"never: {what}; {found.sources}, {found.counts}")


def test_the_days_fills_come_late_and_follow_their_corrections(tmp_path: Path) -> None:
    """New, changed, cancelled and vanished rows; what is no execution is left out."""
    other = replace(FILL, side="S", propreports_id=12, price=Decimal("11"), fill_id="2")
    gone = replace(FILL, propreports_id=13, symbol="DEF", fill_id="3")
    entry = replace(FILL, propreports_id=14, status="SPLIT")
    firms = [
        [FILL, other, gone, entry],
        [replace(FILL, price=Decimal("9")), other, replace(gone, status="CXLD")],
        [other],
    ]
    accounts = (Account(501, "ACC1 Somebody"),)
    place = 0

    # Each poll is of the firm as its books are by then.
    def connect() -> PropReportsClient:
        one = servers[place]
        return PropReportsClient(
            one.url, user=one.user, password=one.password, requests_per_second=1000
        )

    published = DAY + timedelta(days=1)
    with (
        serve(Firm(accounts, firms[0]), as_of=published, rate_limit=10**6) as first,
        serve(Firm(accounts, firms[1]), as_of=published, rate_limit=10**6) as second,
        serve(Firm(accounts, firms[2]), as_of=published, rate_limit=10**6) as third,
    ):
        servers = [first, second, third]
        source = PropReportsSource(connect, DAY, -4, poll_seconds=0.1)
        opening = opening_of(DAY, None, ["ACC1"])
        with Session(tmp_path, opening, [source], lambda: LATER) as session:
            found = until(session, lambda one: one.sequence == 3, "three fills")
            assert found.scopes["desk", "desk"].gross_pnl == 100
            assert found.sources[0].is_late and found.sources[0].is_connected
            place = 1
            found = until(session, lambda one: one.sequence == 6, "what changed")
            desk = found.scopes["desk", "desk"]
            assert (desk.fills_count, desk.gross_pnl) == (2, 200)
            place = 2
            found = until(session, lambda one: one.sequence == 7, "what vanished")
            assert session.symbol_figures()["ACC1", "ABC"].position_quantity == -100
            assert found.counts["quarantined"] == found.counts["waiting"] == 0
        # Started again, and told the same: nothing is booked twice.
        again = PropReportsSource(connect, DAY, -4, poll_seconds=0.1)
        with Session(tmp_path, opening, [again], lambda: LATER) as session:
            found = until(session, lambda one: one.counts["duplicate"] == 1, "again")
            assert found.sequence == 7


def test_a_server_that_does_not_answer_is_a_state(tmp_path: Path) -> None:
    """Not connected, with the reason; the password is not in it."""
    with serve(Firm((), ()), as_of=DAY) as simulator:
        wrong = PropReportsClient(simulator.url, user="demo", password="not this one")
        source = PropReportsSource(lambda: wrong, DAY, -4, poll_seconds=0.1)
        with Session(tmp_path, opening_of(DAY), [source], lambda: LATER) as session:
            found = until(
                session, lambda one: "refused" in (one.sources[0].problem or ""), "told"
            )
    [state] = found.sources
    assert not state.is_connected
    assert "not this one" not in (state.problem or "")


def test_a_reply_that_is_no_csv_is_a_state(tmp_path: Path) -> None:
    """It is told, and asked again: the next one is read."""
    odd = replace(FILL, symbol="A\rBC")
    accounts = (Account(501, "ACC1 Somebody"),)
    published = DAY + timedelta(days=1)
    place = 0

    def connect() -> PropReportsClient:
        one = servers[place]
        return PropReportsClient(
            one.url, user=one.user, password=one.password, requests_per_second=1000
        )

    with (
        serve(Firm(accounts, [odd]), as_of=published, rate_limit=10**6) as first,
        serve(Firm(accounts, [FILL]), as_of=published, rate_limit=10**6) as second,
    ):
        servers = [first, second]
        source = PropReportsSource(connect, DAY, -4, poll_seconds=0.1)
        opening = opening_of(DAY, None, ["ACC1"])
        with Session(tmp_path, opening, [source], lambda: LATER) as session:
            found = until(
                session,
                lambda one: "is no CSV" in (one.sources[0].problem or ""),
                "told",
            )
            assert not found.sources[0].is_connected
            place = 1
            until(session, lambda one: one.sequence == 1, "the next reply")
