"""An id, once given, stays: whatever names, numbers and lists come afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.account_names import AccountNames
from ingestion.accounts import (
    AccountList,
    accounts_table,
    names_in_use,
    record_accounts,
)
from ingestion.landing import CONTROL_TABLES
from ingestion.pipeline import bring_up_to_date
from ingestion.sources import FilesSource
from runtime.errors import UserError
from runtime.home import Home
from tests.conftest import make_settings, rows
from tests.draws import draw
from tests.exports import ExportedDay, ExportedFill, Exports

START = datetime(2025, 3, 3, 13)
# Spellings of one name.
SPELLINGS = (
    "ZZE001 é",
    "zze001 é",
    "ＺＺＥ００１ é",
    "ZZE001\u00a0e\u0301",
    "ZZE001  É ",
)
# Names that share a code, or the beginning that fills show.
NAMES = (
    *SPELLINGS, "ZZE001", "zze001", "ZZE001 OPT", "ZZE001 (1)", "ZZE001 (old)",
    "ZZE001 Jane Maximilian Roe", "ZZE001 Jane Maximilian Doe", "ZZE001 Jane Maximili",
    "Jane Roe", "ZZE002", "",
)  # fmt: skip

Lists = dict[str, str]


@contextmanager
def desk() -> Iterator["Desk"]:
    """An empty warehouse."""
    with duckdb.connect() as connection:
        connection.execute(CONTROL_TABLES)
        yield Desk(connection)


class Desk:
    """Tells ingestion's own functions what each morning lists, and what fills name."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.mornings = 0

    def morning(self, numbers: Lists, named: tuple[str, ...] = ()) -> dict[str, str]:
        """Ids by number, after a list (number by name) and fills of these names."""
        rows = [{"account_name": x, "account_number": n} for x, n in numbers.items()]
        listed = AccountList(numbers, rows)
        names = AccountNames(*names_in_use(listed, self.connection), salt="salt")
        unlisted = [
            {"account_number": number, "account_name": name}
            for number, name in names.unlisted(named).items()
        ]
        accounts = accounts_table(listed, unlisted, "salt")
        self.connection.register("loaded", accounts)
        self.connection.execute(
            "create table if not exists raw.accounts as from loaded limit 0"
        )
        self.connection.execute(
            "insert into raw.accounts from loaded "
            "anti join raw.accounts using (account_number, content_hash)"
        )
        self.connection.unregister("loaded")
        now = START + timedelta(days=self.mornings)
        record_accounts(accounts, listed, self.connection, now)
        self.mornings += 1
        return self.ids()

    def ids(self) -> dict[str, str]:
        """The last id of each number."""
        return dict(
            self.connection.execute(
                "select account_number, arg_max(account_id, given_at) "
                "from raw.account_ids group by 1"
            ).fetchall()
        )


@pytest.mark.parametrize(
    ("then", "named"),
    [
        ({"ZZE001": "1", "ZZE001 OPT": "2"}, ()),
        ({"ZZE001": "1", "ZZE001 (1)": "0"}, ("ZZE001 OPT",)),
        ({"ZZE001": "1"}, ("ZZE001 (1)", "ZZE001 (old)", "zze001 Jane")),
        ({"ZZE001": "1"}, SPELLINGS),
        ({"ZZE001": "1", "zze001": "2"}, ("Zze001",)),
        ({"ZZE001_OLD": "1", "ZZE001": "2"}, ("ZZE001",)),
        ({"zze001": "2"}, ("ZZE001 ", "ＺＺＥ００１")),
        ({}, ("ZZE001", "ZZE001 x")),
        ({"ZZE002": "1", "ZZE001": "2"}, ()),
    ],
)
def test_a_listed_account_keeps_its_id(then: Lists, named: tuple[str, ...]) -> None:
    with desk() as firm:
        assert firm.morning({"ZZE001": "1"}) == {"1": "ZZE001"}
        for _ in range(2):
            ids = firm.morning(then, named)
            assert ids["1"] == "ZZE001"
            # Whoever is another account by the list is one by its id.
            assert len({ids[x] for x in then.values()}) == len(then)


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_spelling_is_the_listed_account(name: str) -> None:
    names = AccountNames([{"ZZE001 É": "1", "ZZE001": "2"}], {}, salt="salt")
    assert names.number(name) == "1"


def test_a_spelling_that_two_accounts_share_is_neithers() -> None:
    names = AccountNames([{"ABC": "1", "abc": "2"}, {"Abc": "3"}], {}, salt="salt")
    assert [names.number(x) for x in ("ABC", "abc", "Abc")] == ["1", "2", "3"]
    assert names.number("aBc") not in {"1", "2", "3"}


def test_one_unlisted_account_has_one_number_however_it_is_spelled() -> None:
    names = AccountNames([], {}, salt="salt")
    assert len({names.number(x) for x in SPELLINGS}) == 1
    assert list(names.unlisted(SPELLINGS).values()) == [SPELLINGS[0]]


@pytest.mark.parametrize(
    ("first", "named", "expected"),
    [
        ({"ZZE001 OPT": "1", "ZZE001": "2"}, (), {"2": "ZZE001"}),
        ({"ZZE001 Jane": "1"}, ("ZZE001",), {"1": "ZZE001"}),
        ({"ZZE001 Jane": "1", "ZZE001 Joan": "2"}, (), {}),
    ],
)
def test_who_has_the_code_of_those_that_come_together(
    first: Lists, named: tuple[str, ...], expected: dict[str, str]
) -> None:
    with desk() as firm:
        ids = firm.morning(first, named)
    assert {x: i for x, i in ids.items() if i == "ZZE001"} == expected
    assert len(set(ids.values())) == len(ids)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("ABC1 Jane", "ABC1 Jane"), ("ABC1 Jane", "abc1  jane"),
        ("ABC1 Jane Maximilian Roe", "ABC1 Jane Maximilian"),
    ],
)  # fmt: skip
def test_an_account_that_is_listed_late_keeps_the_id_it_had(
    name: str, named: str
) -> None:
    with desk() as firm:
        (before,) = firm.morning({}, (named,)).values()
        for _ in range(2):
            assert set(firm.morning({name: "1"}, (named,)).values()) == {before}


def test_numbers_taken_for_one_account_are_parted_when_both_are_listed() -> None:
    with desk() as firm:
        assert firm.morning({"ABC1 Jane": "1"})["1"] == "ABC1"
        assert firm.morning({"ABC1 Jane": "2"}) == {"1": "ABC1", "2": "ABC1"}
        ids = firm.morning({"ABC1 Jane": "2", "ABC1 Old": "1"})
        assert ids["1"] == "ABC1" != ids["2"]
        assert firm.morning({"ABC1 Jane": "2", "ABC1 Old": "1"}) == ids
        parted = firm.connection.execute(
            "select account_number, parted_from from raw.account_ids "
            "where parted_from is not null"
        ).fetchall()
    assert parted == [("2", "ABC1")]


@st.composite
def mornings(draw: st.DrawFn) -> list[tuple[Lists, tuple[str, ...]]]:
    """What some mornings list, and what names their fills bear."""
    found = []
    for _ in range(draw(st.integers(2, 5))):
        names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        numbers = draw(st.permutations("12345"))
        named = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        found.append((dict(zip(names, numbers, strict=False)), tuple(named)))
    return found


@settings(max_examples=draw(20, 2000))
@given(mornings())
def test_any_lists_and_names_leave_every_id_as_it_was(
    given_mornings: list[tuple[Lists, tuple[str, ...]]],
) -> None:
    with desk() as firm:
        before: dict[str, str] = {}
        for numbers, named in given_mornings:
            ids = firm.morning(numbers, named)
            listed = [ids[number] for number in numbers.values()]
            assert len(set(listed)) == len(listed)
            assert None not in ids.values()
            for number, account_id in before.items():
                if ids[number] == account_id:
                    continue
                # Two that were one by name are listed side by side: one is parted.
                assert number in numbers.values()
                assert account_id in listed
            before = ids
        assert firm.connection.execute(
            "select count(*) from raw.account_versions anti join raw.account_ids "
            "using (account_number)"
        ).fetchall() == [(0,)]
        # Whoever was not parted was given one id, once.
        assert (
            firm.connection.execute(
                "select count(*) from raw.account_ids where parted_from is null "
                "group by account_number having count(*) > 1"
            ).fetchall()
            == []
        )


@pytest.mark.parametrize(
    ("file", "account"),
    [
        ("ZZE001", "ZZE001"), ("ZZE001 (1)", "ZZE001"), ("ZZE001(12)", "ZZE001"),
        ("zze001", "ZZE001"), ("ZZE001 OPT", "ZZE001 OPT"), ("ABC1", "ABC1 Jane"),
        ("abc1 (2)", "ABC1 Jane"), ("GHI (3)", "GHI (3)"), ("GHI", "GHI (3)"),
        ("JKL (1)", "JKL (1)"),
    ],
)  # fmt: skip
def test_whose_summary_a_file_is(tmp_path: Path, file: str, account: str) -> None:
    exports = Exports(tmp_path).write(
        [ExportedFill("ZZE001", START, "B", Decimal(1), Decimal(1))]
    )
    exports.summarise([ExportedDay(file, START.date(), 1, Decimal(1), Decimal(0))])
    names = ("ZZE001", "ZZE001 OPT", "ABC1 Jane", "GHI (3)")
    source = FilesSource(tmp_path, firm="files")
    requests = source.requests(dict.fromkeys(names, "1"), date.min, date.max)
    assert requests[-1].account_name == account


@settings(max_examples=draw(1, 40))
@given(data=st.data())
def test_days_are_neither_doubled_nor_lost(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever the lists say of two names, each fill counts once, where it was."""
    folder = tmp_path_factory.mktemp("days")
    home = Home(folder / "home")
    one, two = data.draw(
        st.sampled_from(
            [("ZZE001", "ZZE001 OPT"), ("ZZE001 Jane", "ZZE001 (old)"), ("A1", "B2")]
        )
    )
    exports = Exports(folder / "exports").write(
        ExportedFill(name, START + timedelta(days=day, minutes=place), "B", size, size)
        for name, size in ((one, Decimal(1)), (two, Decimal(2)))
        for day in (0, 1)
        for place in (0, 1)
    )
    chosen = make_settings(
        source="files", exports=exports.folder, risk_home=home.root, gate="warn"
    )
    lists = st.dictionaries(
        st.sampled_from([one, two, f"{one}_OLD", one.lower()]),
        st.sampled_from("123"),
        max_size=3,
    ).filter(lambda x: len(set(x.values())) == len(x))
    before: dict[str, str] = {}
    for numbers in data.draw(st.lists(lists, min_size=2, max_size=3)):
        lines = [f"{number},{name}" for name, number in numbers.items()]
        (exports.folder / "accounts.csv").write_text(
            "\n".join(["Account Id,Account Name", "9,Other", *lines, ""])
        )
        bring_up_to_date(chosen)
        counted = rows(home, COUNTED)
        assert counted == [(8, Decimal(12))], numbers
        ids = dict(rows(home, "select account_number, account_id from raw.account_ids"))
        if not rows(home, "from raw.account_ids where parted_from is not null"):
            assert before.items() <= ids.items()
        before = ids


# Of each account and day the version that counts, as int_day_versions_current has it.
COUNTED = """
    with ids as (
        select account_number, arg_max(account_id, given_at) as account_id
        from raw.account_ids group by 1
    ),
    listed as (
        select account_number,
            max(case when is_listed then last_seen_at end) as last_listed_at
        from raw.account_versions group by 1
    ),
    counted as (
        select * from raw.day_versions inner join ids using (account_number)
        inner join listed using (account_number)
        where resource = 'fills'
        qualify row_number() over (
            partition by account_id, trade_date
            order by last_listed_at desc nulls last, known_at desc, content_hash
        ) = 1
    )
    select count(*), sum(quantity) from raw.fills
    inner join counted using (account_number, trade_date, content_hash)
"""


LONG = "MERIDIAN CAPITAL PARTNERS"
SHOWN = f"{LONG} A"[:20].strip()


def stands_for(firm: Desk, listed: Lists, name: str) -> str:
    """The number that a name in fills means, by a list."""
    names = names_in_use(AccountList(listed, []), firm.connection)
    return AccountNames(*names, salt="salt").number(name)


@pytest.mark.parametrize("other", [f"{LONG} B", SHOWN])
def test_a_list_by_which_held_fills_would_be_anothers_is_refused(other: str) -> None:
    with desk() as firm:
        firm.morning({f"{LONG} A": "1"}, (SHOWN,))
        firm.connection.execute(
            "insert into raw.day_versions values "
            "('fills', '1', '2025-03-03', 'v', 10, now(), now(), now())"
        )
        both = {f"{LONG} A": "1", other: "2"}
        with pytest.raises(UserError, match="numbers 1 and 2 begin with the same 20"):
            firm.morning(both)
        # Renamed, as the line says.
        renamed = {f"{LONG} A": "1", f"B {LONG}": "2"}
        firm.morning(renamed)
        assert stands_for(firm, renamed, SHOWN) == "1"


def test_a_beginning_that_two_accounts_had_is_never_one_of_theirs_in_silence() -> None:
    both = {f"{LONG} A": "1", f"{LONG} B": "2"}
    with desk() as firm:
        firm.morning(both, (SHOWN,))
        whose = stands_for(firm, both, SHOWN)
        assert whose not in {"1", "2"}
        # The list has lost one of them.
        firm.morning({f"{LONG} A": "1"}, (SHOWN,))
        assert stands_for(firm, {f"{LONG} A": "1"}, SHOWN) == whose
