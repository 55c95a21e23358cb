"""An account stays one account, whatever number or list it comes by."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.pipeline import bring_up_to_date
from tests.conftest import build_models_of, build_warehouse, make_settings, rows
from tests.draws import draw
from tests.exports import ExportedDay, ExportedFill, Exports

# Two lists of accounts, before and after, by what happens to an account.
LISTS = {
    "unlisted, then listed": ("Z1 Jane", {}, {"Z1 Jane": "77"}),
    "a new number": ("Z2 Jane", {"Z2 Jane": "177"}, {"Z2 Jane": "188"}),
    "renamed, in the list alone": (
        "Z3 Jane", {"Z3 Jane": "277"}, {"Z3 Jane_OLD": "277"},
    ),
    "fallen off the list": ("Z4 Jane", {"Z4 Jane": "377"}, {}),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize(
    "happening",
    # All in one firm, and each in one of its own.
    [tuple(LISTS), *draw([], [(name,) for name in LISTS])],
    ids=", ".join,
)
def test_a_new_number_does_not_double_a_day(
    tmp_path: Path, happening: tuple[str, ...]
) -> None:
    cases = [LISTS[name] for name in happening]
    exports = Exports(tmp_path / "exports").write(
        ExportedFill(
            account, datetime(2025, 3, day, 10, minute), side, Decimal(100), price
        )
        for account, *_ in cases
        for day in (3, 4)
        for minute, side, price in ((0, "B", Decimal(10)), (1, "S", Decimal(11)))
    )
    accounts = exports.folder / "accounts.csv"
    for place in (1, 2):
        known = {"Other": "1"}
        for case in cases:
            known |= case[place]
        lines = [f"{number},{name}" for name, number in known.items()]
        accounts.write_text("\n".join(["Account Id,Account Name", *lines, ""]))
        home = build_warehouse(
            tmp_path / "home", exports.folder, models="+daily_totals +data_quality"
        )
    totals = rows(
        home,
        "select sum(gross_pnl), count(*) from marts.daily_totals group by account_id",
    )
    assert totals == [(200, 2)] * len(cases)
    found = rows(
        home,
        "select found_count from marts.data_quality "
        "where check_name = 'unlisted_account'",
    )
    assert found == [(0,)]


# Lists of accounts on the mornings after the first one, by the account they are about.
LATER_LISTS: dict[str, list[dict[str, str]]] = {
    "A1": [{"A1": "11", "A1 OPT": "12"}],
    "B1": [{"B1": "21"}],
    "C1": [{"C1": "31"}],
    "D1": [{"D1": "41"}],
    "E1": [{"E1": "51"}],
    "F1": [{"F1_OLD": "61", "F1": "62"}],
    "G1": [{"G1": "72"}],
    "H1": [{}],
    "I1": [{"I1": "92"}, {"I1": "92", "I1_OLD": "91"}],
}
# What their fills are called on the second day, if not as before.
LATER_NAMES = {"D1": "Ｄ１\u00a0", "E1": "e1", "F1": "F1_OLD"}
# Fills that are not theirs.
STRANGERS = ("A1 OPT", "B1 (old)", "F1")


@pytest.mark.long
def test_what_the_desk_says_of_a_trader_stays_with_his_account(tmp_path: Path) -> None:
    """Limit, activity and yesterday's outcome, whatever other names appear."""
    days = datetime(2025, 3, 3, 10), datetime(2025, 3, 4, 10)

    def trade(account: str, at: datetime) -> list[ExportedFill]:
        bought = ExportedFill(account, at, "B", Decimal(100), Decimal(10))
        sold = replace(
            bought, at=at + timedelta(minutes=1), side="S", price=Decimal(11)
        )
        return [bought, sold]

    first = [fill for name in LATER_LISTS for fill in trade(name, days[0])]
    numbers = {name: f"{n}1" for n, name in enumerate(LATER_LISTS, start=1)}
    exports = Exports(tmp_path / "exports", numbers).write(first)
    home = build_warehouse(tmp_path / "home", exports.folder)
    with duckdb.connect(home.warehouse) as connection:
        for trader in LATER_LISTS:
            connection.execute(
                "insert into staging.traders (trader_id, display_name, is_active, "
                "daily_loss_limit_amount) values (?, ?, false, 250)",
                [trader, f"Trader {trader}"],
            )
            connection.execute(
                "insert into ml.predictions by name select ? as trader_id, "
                "date '2025-03-04' as prediction_date, 'champion' as model, "
                "'v1' as model_version, 50 as predicted_pnl, 0.4 as loss_probability",
                [trader],
            )
            connection.execute(
                "insert into ml.roster by name select ? as trader_id, "
                "date '2025-03-04' as prediction_date, 'champion' as model, "
                "'global_model' as forecast_basis, 1 as traded_days_count, "
                "'v1' as model_version",
                [trader],
            )
    names = [LATER_NAMES.get(name, name) for name in LATER_LISTS]
    second = [fill for name in (*names, *STRANGERS) for fill in trade(name, days[1])]
    later = Exports(tmp_path / "later").write(second)
    for file in (later.folder / "fills").iterdir():
        file.rename(exports.folder / "fills" / f"later {file.name}")
    # A summary that was downloaded twice.
    exports.summarise(
        ExportedDay(name, days[0].date(), 2, Decimal(200), Decimal(100))
        for name in ("B1", "B1 (1)", "C1")
    )
    settings = make_settings(
        source="files", exports=exports.folder, risk_home=home.root, gate="warn"
    )
    for place in (0, 1):
        lines = [
            f"{number},{name}"
            for lists in LATER_LISTS.values()
            for name, number in lists[min(place, len(lists) - 1)].items()
        ]
        listed = "\n".join(["Account Id,Account Name", *lines, ""])
        (exports.folder / "accounts.csv").write_text(listed)
        bring_up_to_date(settings)
    # Without the seeds, which say nothing of these traders.
    build_models_of(settings, home, "--exclude-resource-type", "seed")
    build_models_of(settings, home, selector="after_scoring")
    traders = sorted(LATER_LISTS)
    assert rows(
        home,
        "select trader_id, daily_loss_limit_amount, forecast_basis, display_name "
        "from marts.trader_status where trader_id in "
        "(select trader_id from staging.traders) order by trader_id",
    ) == [(x, Decimal(250), "inactive", f"Trader {x}") for x in traders]
    assert rows(
        home,
        "select trader_id, actual_net_pnl from marts.forecast_outcomes "
        "order by trader_id",
    ) == [(x, Decimal(100)) for x in traders]
    # Neither doubled nor lost, and none of the strangers' is theirs.
    assert rows(
        home,
        "select trader_id, count(distinct trade_date), sum(gross_pnl) "
        "from marts.daily_totals where trader_id in "
        "(select trader_id from staging.traders) group by trader_id order by trader_id",
    ) == [(x, 2, Decimal(200)) for x in traders]
    assert rows(
        home,
        "select count(*), sum(gross_pnl) from marts.daily_totals "
        "where trader_id not in (select trader_id from staging.traders)",
    ) == [(len(STRANGERS), Decimal(100) * len(STRANGERS))]
    # F1 and I1 were renamed, and what followed I1 is another account.
    assert rows(
        home,
        "select found_count from marts.data_quality "
        "where check_name = 'renamed_accounts'",
    ) == [(3,)]
