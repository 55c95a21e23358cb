"""The list of accounts: who is who, and how that changed.

An account's name, currency and being listed are kept as versions, so that a rename or a
deactivation is seen; its balance and last date are what the list says now.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from string import digits
from typing import Any

import duckdb
import pyarrow as pa

from ingestion.documents import Document, DocumentError
from ingestion.landing import ACCOUNTS_SCHEMA, Landing
from ingestion.parsed_batch import ParsedBatch

# Of an account's name, fills show this many.
SHOWN_CHARACTERS = 20
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
                f"{numbers[name]} and {number}), so fills cannot be told apart. "
                "Rename one in PropReports."
            )
        if number in numbers.values():
            raise DocumentError(
                f"{document.origin} lists the account number {number} twice. "
                "Export the accounts again."
            )
        numbers[name] = number
    return AccountList(numbers, rows)


def names_in_use(listed: AccountList, landing: Landing) -> dict[str, str]:
    """Account number by every name a document may use for it."""
    # Fills keep the beginning of a long name only.
    shown = [name[:SHOWN_CHARACTERS].strip() for name in listed.numbers]
    cut_off = {
        name: number
        for name, number in zip(shown, listed.numbers.values(), strict=True)
        if shown.count(name) == 1
    }
    # A name of an earlier run still means the account it meant then.
    return cut_off | _earlier_names(landing.connection) | listed.numbers


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
    accounts: pa.Table, listed: AccountList, landing: Landing, now: datetime
) -> None:
    """Record what is new or has changed of a list that is loaded.

    Args:
        now: Naive UTC.
    """
    numbers = set(listed.numbers.values())
    is_listed = [number in numbers for number in accounts["account_number"].to_pylist()]
    seen = accounts.select(["account_number", "content_hash"]).append_column(
        "is_listed", pa.array(is_listed, pa.bool_())
    )
    connection = landing.connection
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


def _earlier_names(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    is_there = connection.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = 'raw' and table_name = 'accounts'"
    ).fetchall()[0][0]
    if not is_there:
        return {}
    return dict(
        connection.execute("""
            select accounts.account_name,
                arg_max(accounts.account_number, versions.last_seen_at)
            from raw.accounts as accounts inner join raw.account_versions as versions
                using (account_number, content_hash)
            where accounts.account_number not like 'unlisted-%'
            group by accounts.account_name
        """).fetchall()
    )


def _hashed(name: str, salt: str) -> str:
    return "x" + hashlib.sha256((salt + name).encode()).hexdigest()[:12]
