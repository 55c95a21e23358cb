"""The ids that analysts see: given to each account once, stored, and never changed.

An id is the account's code, the first word of its name, where no other account has it
yet, else a salted hash of the name. Listed accounts choose before names that only
fills have. Numbers that bear one name one after the other are one account.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

import duckdb

from ingestion.account_names import UNLISTED, folded, shown


@dataclass(frozen=True)
class _Account:
    number: str
    name: str
    code: str
    name_hash: str
    is_listed: bool
    account_id: str | None
    parted_from: str | None
    given_at: datetime | None


def give_ids(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Give an id to every account of `raw.account_versions` that has none.

    Numbers that were taken for one account, and are listed side by side now, are
    several: the first one keeps the id, the others are parted from it.

    Args:
        now: Naive UTC.
    """
    accounts = _accounts(connection)
    without = [x for x in accounts if x.account_id is None] + _to_part(accounts)
    if not without:
        return
    ids = _Ids(accounts, without)
    for is_listed in (True, False):
        ids.give([x for x in without if x.is_listed is is_listed])
    connection.executemany(
        "insert into raw.account_ids values (?, ?, ?, ?)",
        [
            # What a number is given later is its last id, whatever the clock says.
            [x.number, x.account_id, x.parted_from, _after(x.given_at, now)]
            for x in ids.given
        ],
    )


def latest_ids(table: str = "raw.account_ids") -> str:
    """SQL for the last id of each number: what was parted from another has several."""
    return f"""
        select * from {table}
        qualify row_number() over (
            partition by account_number order by given_at desc
        ) = 1
    """


class _Ids:
    """Who has which id, while ids are given.

    Args:
        accounts: All accounts.
        without: Those of them that need an id.
    """

    def __init__(self, accounts: list[_Account], without: list[_Account]) -> None:
        self.given: list[_Account] = []
        listed = [x.name for x in accounts if x.is_listed]
        self._listed = Counter(map(folded, listed))
        self._shown = Counter(folded(shown(name)) for name in listed)
        self._taken = {x.account_id.casefold() for x in accounts if x.account_id}
        self._of_listed: set[str | None] = set()
        self._holders: dict[str, list[_Account]] = defaultdict(list)
        numbers = {x.number for x in without}
        for one in accounts:
            if one.number not in numbers:
                self._hold(one)

    def give(self, newcomers: list[_Account]) -> None:
        """Give ids to accounts of one standing."""
        codes: dict[str, set[str]] = defaultdict(set)
        waiting = [x for x in newcomers if not self._take_over(x)]
        for one in waiting:
            codes[one.code.casefold()].add(folded(one.name))
        for one in waiting:
            if self._take_over(one):
                continue
            code = one.code.casefold()
            # Of newcomers who share a code, it goes to the one without another name.
            is_theirs = len(codes[code]) == 1 or folded(one.name) == code
            is_free = bool(code) and code not in self._taken
            self._give(one, one.code if is_theirs and is_free else self._hash(one))

    def _take_over(self, one: _Account) -> bool:
        """Give the id of the account that bore the same name, if there is one."""
        found = [
            holder
            for spelling in self._spellings(one)
            for holder in self._holders[spelling]
            if (self._listed[spelling] < 2 or holder.name == one.name)
            and not (one.is_listed and holder.account_id in self._of_listed)
        ]
        # Parted from it, it is not the same.
        if not found or one.account_id is not None:
            return False
        best = max(found, key=_weight)
        assert best.account_id is not None, "a holder has one"
        self._give(replace(one, parted_from=best.parted_from), best.account_id)
        return True

    def _give(self, one: _Account, account_id: str) -> None:
        if one.account_id is not None:
            one = replace(one, parted_from=one.parted_from or one.account_id)
        one = replace(one, account_id=account_id)
        self._taken.add(account_id.casefold())
        self.given.append(one)
        self._hold(one)

    def _hold(self, one: _Account) -> None:
        for spelling in self._spellings(one):
            self._holders[spelling].append(one)
        if one.is_listed:
            self._of_listed.add(one.account_id)

    def _spellings(self, one: _Account) -> set[str]:
        """The account's name, and what fills show of it if no other one shows that."""
        found = {folded(one.name)}
        cut_off = folded(shown(one.name))
        if one.is_listed and self._shown[cut_off] == 1:
            found.add(cut_off)
        return found

    def _hash(self, one: _Account) -> str:
        found, tries = one.name_hash, 0
        while found.casefold() in self._taken:
            tries += 1
            text = f"{one.name_hash}|{one.number}|{tries}"
            found = "x" + sha256(text.encode()).hexdigest()[:12]
        return found


def _accounts(connection: duckdb.DuckDBPyConnection) -> list[_Account]:
    """All accounts by their latest names, in the order of their numbers."""
    found = connection.execute(f"""
        with versions as (
            select * from raw.account_versions
            qualify row_number() over (
                partition by account_number order by known_at desc
            ) = 1
        )
        select account_number, account_name, account_code, name_hash, is_listed,
            account_id, parted_from, given_at
        from versions inner join raw.accounts using (account_number, content_hash)
        left join ({latest_ids()}) using (account_number)
        order by length(account_number), account_number
    """).fetchall()
    return [_Account(*row) for row in found]


def _to_part(accounts: Iterable[_Account]) -> list[_Account]:
    """Of listed accounts with one id, all but the one that had it first."""
    sharing: dict[str, list[_Account]] = defaultdict(list)
    for one in accounts:
        if one.is_listed and one.account_id is not None:
            sharing[one.account_id].append(one)
    return [
        one
        for group in sharing.values()
        for one in sorted(group, key=lambda x: x.given_at or datetime.min)[1:]
    ]


def _weight(one: _Account) -> tuple[bool, bool, datetime]:
    """Of accounts that bore one name, the last one that a list had weighs most."""
    is_named_by_fills = one.number.startswith(UNLISTED)
    return one.is_listed, not is_named_by_fills, one.given_at or datetime.max


def _after(before: datetime | None, now: datetime) -> datetime:
    return now if before is None else max(now, before + timedelta(microseconds=1))
