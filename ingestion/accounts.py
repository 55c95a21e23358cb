"""The list of accounts: who is who, and how that changed.

An account's name, currency and being listed are kept as versions, so that a rename or a
deactivation is seen; its balance and last date are what the list says now.
"""

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from string import digits
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.account_ids import give_ids, latest_ids
from ingestion.account_names import SHOWN_CHARACTERS, UNLISTED, folded, shown
from ingestion.documents import Document
from ingestion.errors import DocumentError
from ingestion.landing import ACCOUNTS_SCHEMA
from ingestion.parsed_batch import ParsedBatch
from runtime.errors import UserError
from runtime.warehouse import has_column

# The first version of an account counts for all of its past.
EARLIEST = datetime(1990, 1, 1)


@dataclass(frozen=True)
class AccountList:
    """What PropReports lists now.

    Attributes:
        numbers: Account number by listed name.
        rows: Columns as declared for accounts.
    """

    numbers: dict[str, str]
    rows: list[dict[str, Any]]


def read_account_list(document: Document, parsed: ParsedBatch) -> AccountList:
    """Read the list of accounts.

    Raises:
        DocumentError: It cannot be read, or two accounts have one name or number.
    """
    numbers: dict[str, str] = {}
    rows = parsed.read_accounts(document).to_pylist()
    for row in rows:
        name, number = row["account_name"], row["account_number"]
        if name in numbers:
            raise DocumentError(
                f"{document.origin} lists the same account name twice (numbers "
                f"{numbers[name]} and {number}), so their fills cannot be separated. "
                "Rename one in PropReports."
            )
        if number in numbers.values():
            raise DocumentError(
                f"{document.origin} lists the account number {number} twice. "
                "Export the accounts again."
            )
        numbers[name] = number
    return AccountList(numbers, rows)


def names_in_use(
    listed: AccountList, connection: duckdb.DuckDBPyConnection
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Account numbers by every name a document may use, as `AccountNames` takes them.

    Returns:
        Of listed accounts, what has the first word first; of unlisted ones.

    Raises:
        UserError: Fills are held by the beginning of a name, and whose it is now nobody
            can tell.
    """
    known = _known_names(connection)
    # A name of an earlier run still means the account it meant then.
    earlier = {name: number for name, number in known if not _is_unlisted(number)}
    unlisted = {name: number for name, number in known if _is_unlisted(number)}
    beginnings = _Beginnings(listed, known, connection)
    return [listed.numbers, beginnings.now(), earlier, beginnings.earlier()], unlisted


class _Beginnings:
    """Whom the beginning of a name stands for: fills show no more of a long one.

    Who has left the list still has it, and who was renamed until another has. What it
    has meant it means, or the list is refused.
    """

    def __init__(
        self,
        listed: AccountList,
        known: list[tuple[str, str]],
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self._connection = connection
        self._listed = set(listed.numbers.values())
        self._unlisted = {name for name, number in known if _is_unlisted(number)}
        self._bearers: dict[str, dict[str, str]] = defaultdict(dict)
        last = {number: name for name, number in known if not _is_unlisted(number)}
        names = {number: name for name, number in listed.numbers.items()}
        for number, name in (last | names).items():
            self._bearers[shown(name)][number] = name
        self._ever: dict[str, set[str]] = defaultdict(set)
        for name, number in known:
            if not _is_unlisted(number):
                self._ever[shown(name)].add(number)

    def now(self) -> dict[str, str]:
        """Account number by each beginning of a name that one account has.

        Raises:
            UserError: Several have it, and fills are held by it.
        """
        found = {
            beginning: self._whose(beginning, self._accounts(bearers))
            for beginning, bearers in self._bearers.items()
        }
        return {name: number for name, number in found.items() if number is not None}

    def earlier(self) -> dict[str, str]:
        """Account number by each beginning that one account had, and none has now."""
        return {
            beginning: next(iter(numbers))
            for beginning, numbers in self._ever.items()
            if len(numbers) == 1 and beginning not in self._bearers
        }

    def _accounts(self, bearers: dict[str, str]) -> list[str]:
        """Of numbers that bore one name one after the other, the last one."""
        listed = {x: name for x, name in bearers.items() if x in self._listed}
        spellings = set(map(folded, listed.values()))
        gone = {
            folded(name): number
            for number, name in bearers.items()
            if number not in listed and folded(name) not in spellings
        }
        return [*listed, *gone.values()]

    def _whose(self, beginning: str, accounts: list[str]) -> str | None:
        """Which of these accounts it stands for; None: an account of its own.

        It is the account's that had it alone, before the others came. Where several had
        it from the first, nobody can tell them apart.
        """
        if len(accounts) == 1:
            return accounts[0]
        since = self._borne_since(beginning)
        first, second = sorted(accounts, key=lambda x: since.get(x, datetime.max))[:2]
        had_it_alone = since.get(first) != since.get(second)
        is_nobodys = not had_it_alone and beginning in self._unlisted
        if is_nobodys or not self._hold_fills(accounts):
            return None
        if had_it_alone and self._listed.isdisjoint(set(accounts) - {first}):
            return first
        numbers = " and ".join(sorted(accounts))
        raise UserError(
            f"The names of the accounts with numbers {numbers} begin with the same "
            f"{SHOWN_CHARACTERS} letters, and fills show no more, so they cannot be "
            "assigned. In PropReports, give the latest one a name that begins "
            "differently, then run `make ingest` again."
        )

    def _borne_since(self, beginning: str) -> dict[str, datetime]:
        """When a list first had an account by a name that begins so, by number."""
        if not has_column(self._connection, "raw", "accounts", "account_name"):
            return {}
        found = self._connection.execute("""
            select account_number, account_name, min(first_seen_at)
            from raw.account_versions
            inner join raw.accounts using (account_number, content_hash)
            where is_listed group by all
        """).fetchall()
        since: dict[str, datetime] = {}
        for number, name, seen_at in found:
            if shown(name) == beginning:
                since[number] = min(seen_at, since.get(number, seen_at))
        return since

    def _hold_fills(self, accounts: list[str]) -> bool:
        return self._connection.execute(
            "select count(*) > 0 from raw.day_versions where resource = 'fills' "
            "and rows_count > 0 and account_number in (select unnest(?::varchar[]))",
            [accounts],
        ).fetchall()[0][0]


def namesakes(
    listed: AccountList, connection: duckdb.DuckDBPyConnection
) -> list[tuple[str, str]]:
    """Number that a name stands for now, and that of another account that bore it."""
    known = _known_names(connection)
    numbers: dict[str, set[str]] = {}
    for name, number in known:
        for spelling in {folded(name), folded(shown(name))}:
            numbers.setdefault(spelling, set()).add(number)
    # A list that has lost an account leaves its name to who bore it last.
    current = dict(known) | listed.numbers
    ids = dict(
        connection.execute(
            f"select account_number, account_id from ({latest_ids()})"
        ).fetchall()
    )
    listed_numbers = set(listed.numbers.values())
    return [
        (number, other)
        for name, number in current.items()
        for spelling in {folded(name), folded(shown(name))}
        for other in sorted(numbers.get(spelling, set()) - {number})
        # Two numbers of one account are no namesakes, unless both are listed.
        if other in listed_numbers or ids.get(number, ids[other]) != ids[other]
    ]


def accounts_table(
    listed: AccountList, unlisted: list[dict[str, str]], salt: str
) -> pa.Table:
    """The list as it is loaded.

    Args:
        unlisted: account_number and account_name of accounts that only fills name.
    """
    rows = [
        row
        | {
            "name_hash": _hashed(row["account_name"], salt),
            "content_hash": hashlib.md5(
                f"{row['account_name']}|{row.get('currency') or ''}".encode()
            ).hexdigest(),
            "account_code": account_code(row["account_name"]),
        }
        for row in [*listed.rows, *unlisted]
    ]
    return pa.Table.from_pylist(rows, schema=ACCOUNTS_SCHEMA)


def record_accounts(
    accounts: pa.Table,
    listed: AccountList,
    connection: duckdb.DuckDBPyConnection,
    now: datetime,
) -> None:
    """Record what is new or has changed of a list that is loaded, and give ids.

    Args:
        now: Naive UTC.
    """
    numbers = set(listed.numbers.values())
    is_listed = [number in numbers for number in accounts["account_number"].to_pylist()]
    seen = accounts.select(["account_number", "content_hash"]).append_column(
        "is_listed", pa.array(is_listed, pa.bool_())
    )
    connection.register("seen_accounts", seen)
    connection.execute("begin")
    connection.execute("""
        create or replace temp table held_accounts as
        select * from raw.account_versions
        qualify row_number() over (
            partition by account_number order by known_at desc
        ) = 1
    """)
    connection.execute(
        """
        insert into raw.account_versions
        with now_so as (
            select * from seen_accounts
            union all
            -- What is listed no more stays, as no longer listed.
            select account_number, content_hash, false
            from held_accounts anti join seen_accounts using (account_number)
            where is_listed
        )
        select
            now_so.*,
            case
                when held.known_at is null then $earliest
                else greatest($now, held.known_at + interval 1 microsecond)
            end,
            $now, $now
        from now_so left join held_accounts as held using (account_number)
        where held.account_number is null
            or held.content_hash <> now_so.content_hash
            or held.is_listed <> now_so.is_listed
        """,
        {"now": now, "earliest": EARLIEST},
    )
    connection.execute(
        """
        update raw.account_versions as versions set last_seen_at = ?
        from seen_accounts as seen, held_accounts as held
        where versions.account_number = seen.account_number
            and held.account_number = seen.account_number
            and versions.known_at = held.known_at
            and held.content_hash = seen.content_hash
            and held.is_listed = seen.is_listed
        """,
        [now],
    )
    give_ids(connection, now)
    connection.execute("commit")
    connection.unregister("seen_accounts")


def account_code(name: str) -> str:
    """The first word of an account's name where that can only be a code.

    It is of one case, and with a digit or with nothing after it in capitals; empty for
    any other name, which may hold a person's.
    """
    name = name.strip(" ")
    # Whatever may stand between a code and a person's name ends the code.
    found = re.match(r"[A-Za-z0-9_.-]*", name)
    assert found is not None, "a word may be empty"
    word = found[0]
    has_digit = any(character in digits for character in word)
    if word == word.upper() and (has_digit or word == name):
        return word
    return word if word == word.lower() and has_digit else ""


def _known_names(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Every name that any account ever bore, and its number; the last one last."""
    if not has_column(connection, "raw", "accounts", "account_name"):
        return []
    return connection.execute("""
        select accounts.account_name, accounts.account_number
        from raw.accounts as accounts inner join raw.account_versions as versions
            using (account_number, content_hash)
        order by versions.last_seen_at
    """).fetchall()


def _is_unlisted(number: str) -> bool:
    return number.startswith(UNLISTED)


def _hashed(name: str, salt: str) -> str:
    return "x" + hashlib.sha256((salt + name).encode()).hexdigest()[:12]
