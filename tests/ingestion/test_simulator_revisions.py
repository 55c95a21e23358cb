"""What changes after publication: every revision over HTTP, in time, and in the log."""

import csv
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from ingestion.simulator import Account, Adjustment, Fill, Firm, Ledger, serve
from ingestion.simulator.revisions import (
    add_account,
    bust,
    correct,
    late_fills,
    post_adjustment,
    recompute_fees,
    remove_account,
    rename_account,
    reupload,
)
from tests.ingestion.test_simulator_server import DAYS_LONG, Client

MONDAY, TUESDAY = date(2025, 3, 3), date(2025, 3, 4)
LATER = datetime(2025, 3, 6, 11)
BEFORE, AFTER = LATER - timedelta(seconds=1), LATER


def fill(number, *, day=MONDAY, account="ZZA001", side="B", **more) -> Fill:
    values = {
        "quantity": Decimal(100),
        "symbol": "QQZ",
        "price": Decimal("20.00"),
        "fees": {"Comm": Decimal("0.30")},
        "order_id": f"O-{number}",
        "fill_id": str(number),
        "propreports_id": 900_000 + number,
        **more,
    }
    at = datetime.combine(day, datetime.min.time()) + timedelta(
        hours=10, minutes=number
    )
    return Fill(at, account, side, **values)


FILLS = [
    fill(1),
    fill(2, side="S", price=Decimal("20.10")),
    fill(3, day=TUESDAY),
    fill(4, account="ZZA002"),
]
FIRM = Firm([Account(501, "ZZA001"), Account(502, "ZZA002")], FILLS)


class Desk(Client):
    """Reads the fills by row id."""

    def rows(self):
        status, lines = self.fills(page=1)
        assert status == 200
        return {row["PropReports Id"]: row for row in csv.DictReader(lines[:-1])}

    def account_names(self):
        lines = self.post("accounts", page=1)[1].splitlines()
        return [line.split(",")[1] for line in lines[1:-1]]


@contextmanager
def desk_of(*revisions, firm=FIRM, now=BEFORE):
    with serve(
        firm,
        as_of=now,
        revisions=revisions,
        rate_limit=10_000,
        token_lifetime_seconds=DAYS_LONG,
    ) as simulator:
        yield Desk(simulator)


def before_and_after(*revisions, firm=FIRM):
    """Rows before, rows after, and the one log entry."""
    with desk_of(*revisions, firm=firm) as desk:
        before = desk.rows()
        assert desk.simulator.log == []
        desk.simulator.now = AFTER
        after = desk.rows()
        (entry,) = desk.simulator.log
        assert entry[0] == LATER
        return before, after, entry[1:]


def changed(before, after) -> set[str]:
    """Row ids that came, went or read differently."""
    ids = before.keys() | after.keys()
    return {number for number in ids if before.get(number) != after.get(number)}


def test_late_fills_arrive():
    late = [fill(7), fill(8, account="ZZA002", day=TUESDAY)]
    before, after, entry = before_and_after(late_fills(LATER, late))
    assert changed(before, after) == {"900007", "900008"}
    assert after["900007"]["Date/Time"] == "03/03/2025 10:07:00"
    assert entry == ("late fills", (("ZZA001", MONDAY), ("ZZA002", TUESDAY)))


def test_a_busted_fill_turns_cancelled_or_vanishes():
    before, after, entry = before_and_after(bust(LATER, FILLS[1]))
    assert changed(before, after) == {"900002"}
    assert (before["900002"]["Status"], after["900002"]["Status"]) == (
        "REGULAR",
        "CXLD",
    )
    assert entry == ("bust", (("ZZA001", MONDAY),))
    before, after, _ = before_and_after(bust(LATER, FILLS[1], vanishes=True))
    assert before.keys() - after.keys() == changed(before, after) == {"900002"}


def test_a_correction_edits_in_place():
    revision = correct(LATER, FILLS[0], symbol="WWX", price=Decimal("20.05"))
    before, after, entry = before_and_after(revision)
    assert changed(before, after) == {"900001"}
    row = after["900001"]
    assert (row["Symbol"], row["Price"], row["Qty"]) == ("WWX", "20.05", "100")
    assert entry == ("correction", (("ZZA001", MONDAY),))


def test_a_correction_of_the_date_touches_both_days():
    moved = FILLS[0].filled_at + timedelta(days=1)
    _, after, entry = before_and_after(correct(LATER, FILLS[0], filled_at=moved))
    assert after["900001"]["Date/Time"].startswith("03/04/2025")
    assert entry[1] == (("ZZA001", MONDAY), ("ZZA001", TUESDAY))


def test_fees_are_recomputed_for_days_and_regular_fills_only():
    journal = fill(5, status="EXP", fees={})
    days = [("ZZA001", MONDAY), ("ZZA002", MONDAY)]
    before, after, entry = before_and_after(
        recompute_fees(LATER, days, "Clr", Decimal("0.0002")),
        firm=replace(FIRM, fills=[*FILLS, journal]),
    )
    assert changed(before, after) == {"900001", "900002", "900004"}
    assert (before["900001"]["Clr"], after["900001"]["Clr"]) == ("", "0.0200")
    assert after["900001"]["Comm"] == "0.30"
    assert entry == ("fee recompute", tuple(days))


def test_a_reupload_gives_new_row_ids_and_changes_nothing_else():
    before, after, entry = before_and_after(reupload(LATER, "ZZA001", MONDAY, 950_000))
    assert after.keys() == {"950000", "950001", "900003", "900004"}
    for old, new in (("900001", "950000"), ("900002", "950001")):
        assert {**before[old], "PropReports Id": new} == after[new]
    assert entry == ("re-upload", (("ZZA001", MONDAY),))


def test_a_renamed_account_renames_its_history():
    deposit = Adjustment(TUESDAY, "ZZA002", "Transfer: Deposit", Decimal(10))
    firm = replace(FIRM, adjustments=[deposit])
    with desk_of(rename_account(LATER, "ZZA002", "ZZA002_OLD"), firm=firm) as desk:
        assert desk.account_names() == ["ZZA001", "ZZA002"]
        desk.simulator.now = AFTER
        assert desk.account_names() == ["ZZA001", "ZZA002_OLD"]
        assert desk.rows()["900004"]["Account"] == "ZZA002_OLD"
        scope = {"accountId": 502, "startDate": "2025-03-01", "endDate": "2025-03-31"}
        assert "ZZA002_OLD,Transfer" in desk.post("adjustments", **scope)[1]
        (entry,) = desk.simulator.log
        days = {
            (name, day)
            for name in ("ZZA002", "ZZA002_OLD")
            for day in (MONDAY, TUESDAY)
        }
        assert (entry[1], set(entry[2])) == ("account renamed", days)


@pytest.mark.parametrize("has_rows", [False, True])
def test_an_account_is_added(has_rows):
    fills = [*FILLS, fill(9, account="ZZA009")] if has_rows else FILLS
    revision = add_account(LATER, Account(509, "ZZA009"))
    with desk_of(revision, firm=replace(FIRM, fills=fills)) as desk:
        assert desk.account_names() == ["ZZA001", "ZZA002"]
        assert "900009" not in desk.rows()
        desk.simulator.now = AFTER
        assert desk.account_names() == ["ZZA001", "ZZA002", "ZZA009"]
        assert ("900009" in desk.rows()) == has_rows
        days = (("ZZA009", MONDAY),) if has_rows else ()
        assert desk.simulator.log == [(LATER, "account added", days)]


def test_an_account_is_removed_with_its_rows():
    with desk_of(remove_account(LATER, "ZZA001")) as desk:
        assert len(desk.rows()) == 4
        desk.simulator.now = AFTER
        assert desk.account_names() == ["ZZA002"]
        assert desk.rows().keys() == {"900004"}
        assert desk.fills(accountId=501)[0] == 500
        days = (("ZZA001", MONDAY), ("ZZA001", TUESDAY))
        assert desk.simulator.log == [(LATER, "account removed", days)]


def test_an_adjustment_is_posted():
    booking = Adjustment(MONDAY, "ZZA002", "Fee: Locate", Decimal(-3), "100 QQZ")
    scope = {"accountId": 502, "startDate": "2025-03-01", "endDate": "2025-03-31"}
    with desk_of(post_adjustment(LATER, booking)) as desk:
        assert desk.post("adjustments", **scope)[1].count("\n") == 1
        desk.simulator.now = AFTER
        shown = desk.post("adjustments", **scope)[1].splitlines()[1:]
        assert shown == ["03/03/2025,ZZA002,Fee: Locate,-3.00,100 QQZ"]
        assert desk.simulator.log == [(LATER, "adjustment", (("ZZA002", MONDAY),))]


def test_a_new_account_gets_its_fees_later():
    firm = replace(FIRM, fills=[replace(x, fees={}) for x in FILLS])
    days = [("ZZA002", MONDAY)]
    report = {
        "type": "summaryByDate",
        "accountId": 502,
        "startDate": "2025-03-03",
        "endDate": "2025-03-03",
    }
    with desk_of(recompute_fees(LATER, days, "Comm", Decimal("0.003")), firm=firm) as d:
        assert d.rows()["900004"]["Comm"] == ""
        assert ",100,0.00,0.00," in d.post("report", **report)[1]
        d.simulator.now = AFTER
        assert d.rows()["900004"]["Comm"] == "0.300"
        assert ",100,0.00,0.30," in d.post("report", **report)[1]


def test_revisions_come_in_order_of_time_and_go_with_the_clock():
    first = correct(LATER, FILLS[0], price=Decimal(21))
    second = correct(LATER + timedelta(hours=1), FILLS[0], quantity=Decimal(90))
    third = bust(LATER + timedelta(hours=2), FILLS[0])
    seen = []
    with desk_of(third, first, second) as desk:
        for hours in (0, 1, 2, 0):
            desk.simulator.now = LATER + timedelta(hours=hours)
            row = desk.rows()["900001"]
            seen.append((row["Price"], row["Qty"], row["Status"]))
            kinds = [kind for _, kind, _ in desk.simulator.log]
            assert kinds == ["correction", "correction", "bust"][: hours + 1]
    assert seen == [
        ("21", "100", "REGULAR"),
        ("21", "90", "REGULAR"),
        ("21", "90", "CXLD"),
        ("21", "100", "REGULAR"),
    ]


def test_a_late_fill_of_a_day_not_yet_published_waits_for_it():
    late = fill(7, day=LATER.date())
    with desk_of(late_fills(LATER, [late]), now=AFTER) as desk:
        assert "900007" not in desk.rows()
        desk.simulator.as_of = LATER.date() + timedelta(days=1)
        assert "900007" in desk.rows()


def test_reports_and_firm_follow_the_same_ledger():
    revisions = (
        correct(LATER, FILLS[1], price=Decimal("20.50")),
        recompute_fees(LATER, [("ZZA001", MONDAY)], "Comm", Decimal("0.01")),
    )
    with desk_of(*revisions) as desk:
        simulator = desk.simulator
        scope = {"accountId": 501, "startDate": "2025-03-03", "endDate": "2025-03-03"}
        for now, net in ((BEFORE, "9.40"), (AFTER, "48.00")):
            simulator.now = now
            _, text = desk.post("report", type="summaryByDate", **scope)
            row = next(csv.DictReader(text.splitlines()))
            ledger = Ledger(simulator.firm, simulator.last_visible)
            (day,) = ledger.days("ZZA001", MONDAY, MONDAY)
            assert row["Net"] == net == f"{day.net:.2f}"


@pytest.mark.parametrize(
    "revision",
    [
        bust(LATER, fill(99)),
        correct(LATER, fill(99), price=Decimal(1)),
        reupload(LATER, "ZZA002", TUESDAY, 1),
        rename_account(LATER, "ZZA099", "ZZA098"),
        remove_account(LATER, "ZZA099"),
    ],
)
def test_a_revision_of_nothing_is_an_error(revision):
    with pytest.raises(ValueError), desk_of(revision):
        pass


def test_the_clock_may_turn_while_requests_run():
    revisions = [bust(LATER, FILLS[0], vanishes=True)]
    with desk_of(*revisions) as desk:
        desks = [Desk(desk.simulator) for _ in range(4)]

        def counts(reader):
            found = []
            for step in range(10):
                desk.simulator.now = (BEFORE, AFTER)[step % 2]
                found.append(len(reader.rows()))
            return found

        with ThreadPoolExecutor(4) as pool:
            seen = {count for found in pool.map(counts, desks) for count in found}
        assert seen <= {3, 4}
        desk.simulator.now = AFTER
        assert len(desk.rows()) == 3
