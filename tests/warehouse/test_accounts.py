"""An account stays one account, whatever number or list it comes by."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.conftest import build_warehouse, rows
from tests.exports import ExportedFill, Exports

FILLS = [
    ExportedFill(
        "Z7 Jane", datetime(2025, 3, day, 10, minute), side, Decimal(100), price
    )
    for day in (3, 4)
    for minute, side, price in ((0, "B", Decimal(10)), (1, "S", Decimal(11)))
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"Other": "1"}, {"Other": "1", "Z7 Jane": "77"}),  # unlisted, then listed
        ({"Z7 Jane": "77"}, {"Z7 Jane": "88"}),  # the same name under a new number
        ({"Z7 Jane": "77"}, {"Z7 Jane_OLD": "77"}),  # renamed, in the list alone
        ({"Z7 Jane": "77"}, {"Other": "1"}),  # fallen off the list
    ],
)
def test_a_new_number_does_not_double_a_day(
    tmp_path: Path, before: dict, after: dict
) -> None:
    exports = Exports(tmp_path / "exports").write(FILLS)
    accounts = exports.folder / "accounts.csv"
    for known in (before, after):
        lines = [f"{number},{name}" for name, number in known.items()]
        accounts.write_text("\n".join(["Account Id,Account Name", *lines, ""]))
        home = build_warehouse(tmp_path / "home", exports.folder)
    total = rows(home, "select sum(gross_pnl), count(*) from marts.daily_totals")
    assert total == [(200, 2)]
    found = rows(
        home,
        "select found_count from marts.data_quality "
        "where check_name = 'unlisted_account'",
    )
    assert found == [(0,)]
