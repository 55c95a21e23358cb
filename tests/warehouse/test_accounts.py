"""An account stays one account, whatever number or list it comes by."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import build_warehouse, rows
from tests.draws import draw
from tests.exports import ExportedFill, Exports

# Two lists of accounts, before and after, by what happens to an account.
LISTS = {
    "unlisted, then listed": ("Z1 Jane", {}, {"Z1 Jane": "77"}),
    "a new number": ("Z2 Jane", {"Z2 Jane": "177"}, {"Z2 Jane": "188"}),
    "renamed, in the list alone": (
        "Z3 Jane", {"Z3 Jane": "277"}, {"Z3 Jane_OLD": "277"},
    ),
    "fallen off the list": ("Z4 Jane", {"Z4 Jane": "377"}, {}),
}  # fmt: skip


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
