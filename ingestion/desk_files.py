"""The desk's own files: who is who, limits, contract sizes. Read, checked, versioned.

They lie in `DESK`. A file without a line says nothing: the project's own seed holds.
Lines about contract sizes are added to the seed's.
What each held from when on is kept in schema `raw`, which dbt reads in their place.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from math import gcd
from pathlib import Path

import duckdb

from ingestion.csv_reader import foreign_cell
from ingestion.desk_rules import parse_rules
from ingestion.load_id import load_id
from runtime.build_chain import INGEST, finish, is_finished
from runtime.errors import UserError
from runtime.files import read_regular, write_atomic
from runtime.home import Home
from runtime.sessions import naive_utc_now
from runtime.settings import BASE_CURRENCY, PROJECT_ROOT, Settings
from runtime.tables import Table
from runtime.warehouse import open_warehouse

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
# The first version of a file counts for all of the past.
_EARLIEST, _NEXT = datetime(1990, 1, 1), timedelta(microseconds=1)
_SEPARATORS = (b",", b";", b"\t")
_MOST = Decimal(10) ** 10
_MOST_DIGITS = 100
_FLAGS = {"true": "true", "false": "false", "yes": "true", "no": "false"}
_INSTRUMENT_TYPES = ("equity", "option", "future", "forex")
# Of which master, house, error and demo are in no total of the desk.
_ACCOUNT_ROLES = ("trader", "master", "sub", "house", "error", "demo", "parent")
_LARGEST_RATIO = 9999
_LARGEST_RATE = 10**6
# What is larger is a slip, and more than the models' money can hold.
_LARGEST_SIZE, _LARGEST_QUANTITY, _LARGEST_COST = 10**8, 10**9, 10**12
_ACTIONS = ("split", "symbol_change", "merger", "spin_off", "expiry")
# Of which payout and transfer are no P&L.
_ADJUSTMENT_CLASSES = (
    "dividend", "interest", "locate", "borrow", "market_data", "software", "desk_fee",
    "tax", "correction", "payout", "transfer",
)  # fmt: skip
_README = """\
These files are the desk's: an upgrade of the project leaves them alone. A file that has
its header only says nothing, and the project's own (dbt_project/seeds) holds.

trader_accounts.csv         which accounts belong to which trader, from which date on
account_roles.csv           what an account is (master, sub, house, error, demo): what
                            is in no total of the desk, and whose sum a master is
traders.csv                 name, strategy, group, whether active, daily loss limit
instrument_multipliers.csv  what a contract is worth, and in which currency, by its root
                            (#ES, without month and year); its lines are added to the
                            project's
adjustment_categories.csv   what an adjustment is, by how its category begins; its lines
                            are added to the project's
session_cutoffs.csv         from which time of day on a fill is the next session's;
                            its lines are added to the project's
limits.csv                  what an account, a trader, a group, a strategy or the desk
                            may lose, hold and trade, from which date on
breach_notes.csv            what was done about a breach of a limit (`make note`)
payout_terms.csv            which part of their gains traders are paid, from when on
accepted_warnings.csv       warnings of the gate that a person has looked at, and who:
                            no alarm any more (as marts.gate_results names them)
signed_off_breaks.csv       differences from the broker that a person has signed off,
                            to the cent (as marts.broker_reconciliation shows them; with
                            a symbol: as marts.position_reconciliation does)
currency_suffixes.csv       in which currency symbols with an ending (.TO) are priced;
                            its lines are added to the project's
exchange_rates.csv          what a unit of a currency is worth in the base currency, by
                            date; one counts until the next
corporate_actions.csv       splits, new symbols, mergers, spin-offs, expiries, which
                            the broker posts late, in pieces or not at all
opening_lots.csv            what an account held before its first loaded day
candidate_rules.csv         rules that are tried on the past every morning, as
                            `make what-if RULE=` takes them
instruments.csv             the sector of a symbol, and the symbol it moves as (proxy)
limit_bounds.csv            what a limit for a trading platform may be: floor, ceiling,
                            largest change a day (`make limits`)
ibkr_rules.csv              which rule of Interactive Brokers' compliance tool each of
                            these limits is
fix_limits.csv              which type of limit each of them is over FIX

UTF-8, commas, dates as 2025-06-02. docs/configuration.md says what each column means.
"""


class DeskFileError(UserError):
    """A file of the desk that is refused: names file, line, column and cell."""


def _text(cell: str) -> str:
    return cell


def _needed(cell: str) -> str:
    if not cell:
        raise ValueError("is empty")
    return cell


def _needed_in_lower_case(cell: str) -> str:
    # As it is compared: two spellings of one word are one line too many.
    return _needed(cell).lower()


def _date(cell: str) -> str:
    if cell and not re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        raise ValueError("is not a date written as 2025-06-02")
    try:
        return cell and date.fromisoformat(cell).isoformat()
    except ValueError:
        raise ValueError("is no day of the calendar") from None


def _needed_date(cell: str) -> str:
    return _date(_needed(cell))


def _flag(cell: str) -> str:
    if cell and cell.lower() not in _FLAGS:
        raise ValueError("is neither true nor false")
    return _FLAGS.get(cell.lower(), "")


def _needed_flag(cell: str) -> str:
    return _flag(_needed(cell))


def _number(cell: str) -> Decimal:
    try:
        number: Decimal | None = Decimal(cell)
    except InvalidOperation:
        number = None
    # NaN is none either, and cannot even be compared; 1e-999999999 fills the memory.
    if (
        number is None
        or number.is_nan()
        or (number.is_finite() and abs(number.adjusted()) > _MOST_DIGITS)
    ):
        raise ValueError("is not a number, such as 2500 or 0.5")
    return number


def _amount(cell: str) -> str:
    if not cell:
        return cell
    amount = _number(cell)
    if not amount.is_finite() or not 0 < amount < _MOST:
        raise ValueError("is not a number above 0")
    text = f"{amount:f}"
    if len(text.partition(".")[2].rstrip("0")) > 8:
        raise ValueError("has more than eight decimals")
    return text


def _size(cell: str) -> str:
    size = _amount(cell)
    if size and Decimal(size) >= _LARGEST_SIZE:
        raise ValueError(f"is not a contract size below {_LARGEST_SIZE}")
    return size


def _needed_amount(cell: str) -> str:
    return _amount(_needed(cell))


def _quotable(cell: str) -> str:
    # It stands between quotes, where Interactive Brokers documents no escape.
    if any(sign in _needed(cell) for sign in '",'):
        raise ValueError("holds a quote or a comma")
    return cell


def _rate(cell: str) -> str:
    rate = _number(_needed(cell))
    if not rate.is_finite() or not 0 < rate < _LARGEST_RATE:
        raise ValueError(f"is not a rate above 0 and below {_LARGEST_RATE}")
    text = f"{rate:f}"
    if len(text.partition(".")[2].rstrip("0")) > 10:
        raise ValueError("has more than ten decimals")
    return text


def _currency(cell: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", cell, re.ASCII):
        raise ValueError("is not a currency of three capital letters, such as CAD")
    return cell


def _suffix(cell: str) -> str:
    if not re.fullmatch(r"\.[A-Z]{1,4}", cell, re.ASCII):
        raise ValueError("is not the ending of a symbol, such as .TO")
    return cell


def _evening(cell: str) -> str:
    # 06:00 is six in the morning: it would put the whole day into the next session.
    if cell and not re.fullmatch(r"(1[2-9]|2[0-3]):[0-5]\d", cell, re.ASCII):
        raise ValueError("is not a time of day from 12:00 to 23:59, such as 18:00")
    return cell


def _share(cell: str) -> str:
    share = _amount(_needed(cell))
    if Decimal(share) > 1:
        raise ValueError("is above 1, which is all of it")
    return share


def _whole_number(cell: str) -> str:
    if cell and not re.fullmatch(r"[1-9]\d{0,8}", cell, re.ASCII):
        raise ValueError("is not a whole number above 0")
    return cell


def _optional_fix_code(cell: str) -> str:
    # From 0 on, unlike a count.
    if cell and not re.fullmatch(r"0|[1-9]\d{0,8}", cell, re.ASCII):
        raise ValueError("is not a code of FIX, such as 0 or 100")
    return cell


def _fix_code(cell: str) -> str:
    return _optional_fix_code(_needed(cell))


def _only_true(cell: str) -> str:
    if _flag(cell) == "false":
        raise ValueError("is true, or empty")
    return _flag(cell)


def _needed_moment(cell: str) -> str:
    try:
        moment = datetime.fromisoformat(_needed(cell))
        if moment.tzinfo is not None:
            # Which the first and the last day of the calendar may not have.
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError):
        raise ValueError("is not a time such as 2025-06-02T08:45:00Z") from None
    raise ValueError("has no time zone; write 2025-06-02T08:45:00Z")


def _optional(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda cell: cell and check(cell)


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def chosen(cell: str) -> str:
        if cell not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return cell

    return chosen


def _needed_cents(cell: str) -> str:
    amount = _number(_needed(cell))
    if not amount.is_finite() or abs(amount) >= _MOST:
        raise ValueError("is not an amount in dollars")
    text = f"{amount:.2f}"
    if Decimal(text) != amount:
        raise ValueError("has more than two decimals")
    return text


def _signed_quantity(cell: str) -> str:
    quantity = _number(_needed(cell))
    if quantity == 0:
        raise ValueError("is no number of shares (below 0 if short)")
    return f"{'-' if quantity < 0 else ''}{_amount(f'{abs(quantity):f}')}"


def _price(cell: str) -> str:
    return "0" if _number(_needed(cell)) == 0 else _amount(cell)


def _ratio(cell: str) -> str:
    if not cell:
        return cell
    found = re.fullmatch(r"([1-9]\d{0,11}):([1-9]\d{0,11})", cell, re.ASCII)
    if not found:
        raise ValueError("is not new shares to old ones, such as 4:1, 1:10 or 3:2")
    new, old = map(int, found.groups())
    new, old = new // gcd(new, old), old // gcd(new, old)
    if max(new, old) > _LARGEST_RATIO:
        raise ValueError(f"is more than {_LARGEST_RATIO}:1, or less than the reverse")
    return f"{new}:{old}"


def _part(cell: str) -> str:
    if not cell:
        return cell
    part = _number(cell)
    if not part.is_finite() or not 0 <= part <= 1:
        raise ValueError("is not a part from 0 to 1, such as 0.25")
    return _price(cell)


def _rule(cell: str) -> str:
    try:
        rules = parse_rules(_needed(cell))
    except UserError as error:
        raise ValueError(f"is no rule: {str(error).rstrip('.')}") from None
    if len(rules) > 1:
        raise ValueError(f"names {len(rules)} rules; write each on a line of its own")
    return rules[0].text


def _sector(cell: str) -> str:
    if cell.lower() == "not set":
        raise ValueError("is what a symbol without a sector is in; leave it empty")
    return cell


def _check_instrument(line: Mapping[str, str | None]) -> None:
    if not line["sector"] and not line["proxy"]:
        raise ValueError("says neither sector nor proxy")


def _check_action(line: Mapping[str, str | None]) -> None:
    action = line["action"]
    needed, allowed = {
        "split": (("ratio",), ()),
        "symbol_change": (("new_symbol",), ("ratio",)),
        "merger": ((), ("new_symbol", "ratio", "cash_per_share", "cost_share")),
        "spin_off": (("new_symbol", "ratio", "cost_share"), ()),
        "expiry": ((), ("cash_per_share",)),
    }[str(action)]
    for column in ("ratio", "new_symbol", "cash_per_share", "cost_share"):
        if column in needed and not line[column]:
            raise ValueError(f"a {action} needs its {column}")
        if line[column] and column not in (*needed, *allowed):
            raise ValueError(f"a line of action {action} has no {column}")
    if line["new_symbol"] == line["symbol"]:
        raise ValueError("new_symbol is the old one")
    if action == "merger":
        given = [column for column in allowed if line[column]]
        if given not in (list(allowed[:2]), ["cash_per_share"], list(allowed)):
            raise ValueError(
                "a merger is for shares (new_symbol and ratio), for cash_per_share, or "
                "for both, and then cost_share is the part of the cost that the new "
                f"shares take over; this line has {' and '.join(given) or 'neither'}"
            )


def _check_lot(line: Mapping[str, str | None]) -> None:
    quantity, price = abs(Decimal(line["quantity"] or 0)), Decimal(line["price"] or 0)
    if quantity >= _LARGEST_QUANTITY or quantity * price >= _LARGEST_COST:
        raise ValueError(
            f"a lot is of less than {_LARGEST_QUANTITY} shares and costs less than "
            f"{_LARGEST_COST}"
        )


def _check_rate(line: Mapping[str, str | None]) -> None:
    if line["currency"] == BASE_CURRENCY:
        raise ValueError(f"{BASE_CURRENCY} is the base currency and has no rate")


def _check_bounds(line: Mapping[str, str | None]) -> None:
    if Decimal(line["floor_amount"] or 0) > Decimal(line["ceiling_amount"] or 0):
        raise ValueError("the floor is above the ceiling")


def _check_limits(line: Mapping[str, str | None]) -> None:
    named = [scope for scope in _SCOPES if line[scope]]
    if len(named) != 1:
        raise ValueError(
            f"a line is about one of {', '.join(_SCOPES)} (desk: true); this one is "
            f"about {' and '.join(named) or 'none'}"
        )
    if line["warning_share"] and not any(line[rule] for rule in _RULES):
        raise ValueError("a warning_share without a limit warns of nothing")


@dataclass(frozen=True)
class DeskFile:
    """A file that the desk may have.

    Attributes:
        name: Without its ending.
        columns: What each cell must be; raises a ValueError with the reason if not.
        key: Columns that are not to be the same in two lines.
        optional: Columns that a file may lack.
        shipped: SHA-256 of the project's seed as it was released; None if it has none.
        one_of: Columns of which a file must have one.
        is_taken_whole: One wrong line refuses the file, and stops what reads it; else
            that line is kept with what is wrong, does not count, and the rest does.
        check_line: Raises a ValueError where cells contradict each other.
    """

    name: str
    columns: Mapping[str, Callable[[str], str]]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ("note",)
    one_of: tuple[str, ...] = ()
    shipped: str | None = None
    is_taken_whole: bool = False
    check_line: Callable[[Mapping[str, str | None]], None] = lambda _: None

    @property
    def file_name(self) -> str:
        """As it lies in the folder."""
        return f"{self.name}.csv"

    @property
    def table(self) -> Table:
        """The lines of all its versions, as text."""
        return Table(
            f"raw.desk_{self.name}",
            {"content_hash": "varchar not null", "line_number": "bigint not null"}
            | dict.fromkeys((*self.columns, "refused_for"), "varchar"),
        )


# Whom a line of limits.csv is about; of the whole desk it says so with `desk`.
_SCOPES = ("account", "trader", "trader_group", "strategy", "desk")
_RULES = {
    "daily_loss_limit_amount": _amount,
    "weekly_loss_limit_amount": _amount,
    "monthly_loss_limit_amount": _amount,
    "drawdown_limit_amount": _amount,
    "losing_streak_limit_days": _whole_number,
    "position_limit_quantity": _amount,
    "gross_exposure_limit_amount": _amount,
    "net_exposure_limit_amount": _amount,
    "overnight_exposure_limit_amount": _amount,
    "trades_limit_count": _whole_number,
}
# As marts.fct_limit_use names them.
LIMIT_RULES = tuple(column.partition("_limit_")[0] for column in _RULES)
LIMITS = DeskFile(
    "limits",
    {
        "account": _text,
        "trader": _text,
        "trader_group": _text,
        "strategy": _text,
        "desk": _only_true,
        "valid_from": _date,
        **_RULES,
        "warning_share": _optional(_share),
        "note": _text,
    },
    (*_SCOPES, "valid_from"),
    optional=(*_SCOPES, "valid_from", *_RULES, "warning_share", "note"),
    one_of=tuple(_RULES),
    check_line=_check_limits,
)
# What was done about a breach, and whether that closes it: `make note` adds a line.
BREACH_NOTES = DeskFile(
    "breach_notes",
    {
        "trade_date": _needed_date,
        "rule": _one_of(LIMIT_RULES),
        "scope": _one_of(_SCOPES),
        "name": _text,
        "noted_at": _needed_moment,
        "noted_by": _needed,
        "closes": _needed_flag,
        "note": _needed,
    },
    ("trade_date", "rule", "scope", "name", "noted_at", "noted_by", "note"),
    optional=(),
)
# What trading platforms can be given, of an account each (docs/trading_limits.md).
TRADING_LIMITS = (
    "max_loss", "max_drawdown", "max_gross", "max_position_shares",
    "max_order_shares", "buying_power",
)  # fmt: skip
LIMIT_BOUNDS = DeskFile(
    "limit_bounds",
    {
        "limit_name": _one_of(TRADING_LIMITS),
        "floor_amount": _needed_amount,
        "ceiling_amount": _needed_amount,
        "largest_change_share": _share,
        "note": _text,
    },
    ("limit_name",),
    is_taken_whole=True,
    check_line=_check_bounds,
)
IBKR_RULES = DeskFile(
    "ibkr_rules",
    {
        "limit_name": _one_of(TRADING_LIMITS),
        "rule_type": _quotable,
        "value_parameter": _quotable,
        "note": _text,
    },
    ("limit_name",),
    is_taken_whole=True,
)
FIX_LIMITS = DeskFile(
    "fix_limits",
    {
        "limit_name": _one_of(TRADING_LIMITS),
        "risk_limit_type": _fix_code,
        "risk_limit_action": _optional_fix_code,
        "note": _text,
    },
    ("limit_name",),
    is_taken_whole=True,
)
DESK_FILES = (
    DeskFile(
        "trader_accounts",
        {
            "account_id": _needed,
            "valid_from": _date,
            "trader_id": _needed,
            "note": _text,
        },
        ("account_id", "valid_from"),
        # Forecasts of a trader whom a slip made up would stay on record.
        is_taken_whole=True,
        shipped="6eadc4d1cd0303c26ffa5be0d26bc957d45023cd51dc7563d5c10dd17a1adc45",
    ),
    DeskFile(
        "account_roles",
        {
            "account_id": _needed,
            "valid_from": _date,
            "role": _one_of(_ACCOUNT_ROLES),
            "parent_account_id": _text,
            "reset_date": _date,
            "note": _text,
        },
        # Two roles at one time are no reason to stop a morning: a check tells of them.
        ("account_id", "valid_from", "role", "parent_account_id"),
        optional=("valid_from", "parent_account_id", "reset_date", "note"),
        shipped="5853ccb2d7ec48d590a1555f2aab2c4b21c9e439db583cdd98adf79de4c85103",
    ),
    DeskFile(
        "traders",
        {
            "trader_id": _needed,
            "valid_from": _date,
            "display_name": _text,
            "strategy": _text,
            "trader_group": _text,
            "is_active": _flag,
            "daily_loss_limit_amount": _amount,
            "note": _text,
        },
        ("trader_id", "valid_from"),
        shipped="442fc34f47ed52811b0c0d1db5c1db150cd56d65e92b316c853f1d27f0540548",
    ),
    DeskFile(
        "instrument_multipliers",
        {
            "symbol_prefix": _text,
            "instrument_type": _one_of(_INSTRUMENT_TYPES),
            "multiplier": _size,
            "currency": _optional(_currency),
            "note": _text,
        },
        ("symbol_prefix",),
        optional=("currency", "note"),
        shipped="aeff5aba61a755d7c6e37061f9b63e912c27c3942c87c40f0e1e40d69672cf13",
    ),
    DeskFile(
        "adjustment_categories",
        {
            "category_prefix": _needed_in_lower_case,
            "adjustment_class": _one_of(_ADJUSTMENT_CLASSES),
            "note": _text,
        },
        ("category_prefix",),
        shipped="7e37e7fb449c9b7cc3bef46d3e4d663d2d570759d24ece0c063e6d4d87fc464a",
    ),
    DeskFile(
        "currency_suffixes",
        {"symbol_suffix": _suffix, "currency": _currency, "note": _text},
        ("symbol_suffix",),
        shipped="e026f12374afaab60543a4e6d8cbb5e8ce16b193ee4956864e0686066ec10540",
    ),
    DeskFile(
        "session_cutoffs",
        {
            "symbol_prefix": _text,
            "cutoff_time": _evening,
            "valid_from": _date,
            "note": _text,
        },
        ("symbol_prefix", "valid_from"),
        optional=("valid_from", "note"),
        shipped="b24ac6389fd24b078cca36633bee4c64201798571e1193044338b681fcb5fca6",
    ),
    LIMITS,
    BREACH_NOTES,
    DeskFile(
        "payout_terms",
        {
            "trader_id": _needed,
            "valid_from": _date,
            "payout_rate": _share,
            "carries_loss": _needed_flag,
            "fees_deducted": _needed_flag,
            "note": _text,
        },
        ("trader_id", "valid_from"),
        optional=("valid_from", "note"),
    ),
    DeskFile(
        "accepted_warnings",
        {
            "as_of_date": _needed_date,
            "check_name": _needed,
            "batch_name": _needed,
            "accepted_by": _needed,
            "note": _text,
        },
        ("as_of_date", "check_name", "batch_name"),
    ),
    DeskFile(
        "signed_off_breaks",
        {
            "account_id": _needed,
            "trade_date": _needed_date,
            "symbol": _text,
            "amount": _needed_cents,
            "signed_off_by": _needed,
            "note": _text,
        },
        ("account_id", "trade_date", "symbol"),
        optional=("note", "symbol"),
    ),
    DeskFile(
        "corporate_actions",
        {
            "symbol": _needed,
            "effective_date": _needed_date,
            "action": _one_of(_ACTIONS),
            "ratio": _ratio,
            "new_symbol": _text,
            "cash_per_share": _optional(_price),
            "cost_share": _part,
            "note": _text,
        },
        ("symbol", "effective_date"),
        optional=("ratio", "new_symbol", "cash_per_share", "cost_share", "note"),
        check_line=_check_action,
    ),
    DeskFile(
        "exchange_rates",
        {
            "rate_date": _needed_date,
            "currency": _currency,
            "rate": _rate,
            "note": _text,
        },
        ("rate_date", "currency"),
        check_line=_check_rate,
    ),
    DeskFile(
        "opening_lots",
        {
            "account_id": _needed,
            "symbol": _needed,
            "opened_date": _needed_date,
            "quantity": _signed_quantity,
            "price": _price,
            "note": _text,
        },
        ("account_id", "symbol", "opened_date", "price"),
        check_line=_check_lot,
    ),
    DeskFile(
        "candidate_rules",
        {"rule": _rule, "note": _text},
        ("rule",),
        shipped="c11025cbbf7b15f45097a9fc1057a5b031a9eacff92c2cd42a015eb519dc42b5",
    ),
    DeskFile(
        "instruments",
        {"symbol": _needed, "sector": _sector, "proxy": _text, "note": _text},
        ("symbol",),
        optional=("sector", "proxy", "note"),
        one_of=("sector", "proxy"),
        check_line=_check_instrument,
    ),
    LIMIT_BOUNDS,
    IBKR_RULES,
    FIX_LIMITS,
)
DESK_VERSIONS = Table(
    "raw.desk_files",
    {
        "file_name": "varchar not null",
        "content_hash": "varchar not null",
        "lines_count": "bigint not null",
        "known_at": "timestamp not null",
        "first_seen_at": "timestamp not null",
        "folder": "varchar",
    },
)
DESK_TABLES = (DESK_VERSIONS, *(one.table for one in DESK_FILES))


@dataclass(frozen=True)
class DeskContent:
    """What a file says.

    Attributes:
        lines: Number of the line, then its cells in the order of the file's columns.
        refused: Number of a line that is wrong, then what is wrong with it.
    """

    file: DeskFile
    path: Path
    content_hash: str
    lines: tuple[tuple[int, tuple[str | None, ...]], ...]
    refused: tuple[tuple[int, str], ...] = ()

    @property
    def lines_count(self) -> int:
        """All of them, right or wrong."""
        return len(self.lines) + len(self.refused)

    @property
    def folder(self) -> str:
        """Where it lies: the desk's folder, or that of the exports."""
        return str(self.path.parent)


def read_desk(settings: Settings, home: Home) -> list[DeskContent]:
    """Read and check every file of the desk that there is.

    Raises:
        DeskFileError: One of them cannot be taken as it is.
    """
    folder = desk_folder(settings, home)
    found = []
    for file in DESK_FILES:
        path = folder / file.file_name
        if path.exists():
            found.append(_read(file, path))
    exports = settings.exports if settings.source_name == "files" else None
    beside = exports / LIMITS.file_name if exports else None
    if beside is not None and beside.exists() and beside.parent != folder:
        limits = _read(LIMITS, beside)
        own = next(
            (one for one in found if one.file is LIMITS and one.lines_count), None
        )
        if own is not None and own.content_hash != limits.content_hash:
            raise DeskFileError(
                f"{own.path} and {beside} say different limits. Delete one of them."
            )
        if own is None:
            found = [one for one in found if one.file is not LIMITS] + [limits]
    return found


def read_desk_file(
    file: DeskFile, settings: Settings, home: Home
) -> DeskContent | None:
    """Read and check one file of the desk's folder, of DESK_FILES or not.

    Returns:
        What it says; None where there is none.

    Raises:
        DeskFileError: It cannot be taken as it is.
    """
    path = desk_folder(settings, home) / file.file_name
    return _read(file, path) if path.exists() else None


def desk_folder(settings: Settings, home: Home) -> Path:
    """Where the desk's files lie.

    Raises:
        DeskFileError: DESK names no folder.
    """
    if settings.desk is None:
        return home.desk
    folder = settings.desk.expanduser()
    if not folder.is_dir():
        raise DeskFileError(
            f"DESK={settings.desk} is no folder. Make it, or set DESK to where "
            "traders.csv lies."
        )
    return folder.resolve()


def begin_desk(
    settings: Settings,
    home: Home,
    lines: Mapping[str, Sequence[Sequence[object]]] | None = None,
) -> str | None:
    """Write what a desk begins with into its folder: a header, or the edited seed.

    Whoever has edited the seeds of the project, as one did before there was a folder of
    the desk, finds them there.

    Args:
        lines: By name of the file, what a firm's desk is known to say from the start.

    Returns:
        Which seeds came along, in a sentence; None if none.
    """
    if settings.desk is not None or home.desk.exists():
        return None
    moved = []
    for file in DESK_FILES:
        content = _csv([tuple(file.columns)])
        if file.shipped is not None and is_edited(file):
            content = _seed(file).read_bytes()
            moved.append(file.file_name)
        content += _csv((lines or {}).get(file.name, ()))
        write_atomic(home.desk / file.file_name, content)
    write_atomic(home.desk / "README.txt", _README.encode())
    if not moved:
        return None
    return (
        f"{', '.join(moved)} of dbt_project/seeds came along to {home.desk}: edit them "
        "there from now on"
    )


def _csv(lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue().encode()


def is_edited(file: DeskFile) -> bool:
    """Whether the project's seed is another than the one that was released."""
    return seed_hash(file) != file.shipped


def seed_hash(file: DeskFile) -> str:
    """Of the project's seed, however a checkout ends its lines."""
    text = _seed(file).read_bytes().replace(b"\r\n", b"\n")
    return hashlib.sha256(text).hexdigest()


def _seed(file: DeskFile) -> Path:
    return SEEDS / file.file_name


def _lines(count: int) -> str:
    return "1 line" if count == 1 else f"{count} lines"


def record_desk(
    home: Home, contents: list[DeskContent], now: datetime | None = None
) -> str | None:
    """Keep what is new of the desk's files, in one transaction.

    Args:
        now: Naive UTC; from when on what is new counts as known.

    Returns:
        What is new, in a sentence; None if nothing is.

    Raises:
        DeskFileError: A file that had lines is gone, or has none in another folder.
    """
    now = now or naive_utc_now()
    by_name = {one.file.name: one for one in contents}
    news = []
    with open_warehouse(home.warehouse) as connection:
        held = _held(connection)
        for name, (_, lines_count, _, folder) in held.items():
            one = by_name.get(name)
            # A header in another folder, as we write them, takes nothing back.
            is_elsewhere = (
                one and folder not in (None, one.folder) and not one.lines_count
            )
            if lines_count and (one is None or is_elsewhere):
                raise DeskFileError(
                    f"{name}.csv of {folder or 'the desk'} is gone; it had "
                    f"{_lines(lines_count)}. Put it back (or set DESK to its folder), "
                    "or leave a file with its header only there: then it says nothing."
                )
        connection.execute("begin")
        for name, one in by_name.items():
            last, _, known_at, _ = held.get(name, (None, 0, None, None))
            # What says nothing is no version, unless something was said before.
            if one.content_hash == last or (last is None and not one.lines_count):
                continue
            # A clock that was set back must not make it the older one.
            known_at = max(now, known_at + _NEXT) if known_at else _EARLIEST
            _record(connection, one, known_at, now)
            news.append(f"{one.path} is new, {_lines(one.lines_count)}")
            news += [f"not taken: {one.path.name}, {why}" for _, why in one.refused]
        # Of what is not new as well: a folder that was moved brings its lines along.
        for one in contents:
            connection.execute(
                f"update {DESK_VERSIONS.name} set folder = $1 where file_name = $2 "
                "and content_hash = $3 and folder is distinct from $1",
                [one.folder, one.file.name, one.content_hash],
            )
        if news and is_finished(connection, INGEST):
            # What was built before does not know of it.
            finish(connection, INGEST, name=load_id(connection))
        connection.execute("commit")
        news += [
            f"{_seed(one.file)} is edited and not read: {one.path} holds"
            for one in contents
            if one.lines_count and _is_overlooked(connection, one.file)
        ]
    return "; ".join(news) or None


def _is_overlooked(connection: duckdb.DuckDBPyConnection, file: DeskFile) -> bool:
    """Whether somebody edited the seed, and it is not what came along to the desk."""
    if file.shipped is None or not is_edited(file):
        return False
    content_hash = hashlib.sha256(_seed(file).read_bytes()).hexdigest()
    return not connection.execute(
        f"select 1 from {DESK_VERSIONS.name} where file_name = ? and content_hash = ?",
        [file.name, content_hash],
    ).fetchall()


def _held(
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, tuple[str, int, datetime, str | None]]:
    """The last version of each file: its hash, lines, since when known, and where."""
    return {
        name: (content_hash, lines_count, known_at, folder)
        for name, content_hash, lines_count, known_at, folder in (
            connection.execute(
                "select file_name, arg_max(content_hash, known_at), "
                "arg_max(lines_count, known_at), max(known_at), "
                "arg_max(folder, known_at) "
                f"from {DESK_VERSIONS.name} group by all"
            ).fetchall()
        )
    }


def _record(
    connection: duckdb.DuckDBPyConnection,
    one: DeskContent,
    known_at: datetime,
    now: datetime,
) -> None:
    table = one.file.table
    connection.execute(
        f"insert into {DESK_VERSIONS.name} (file_name, content_hash, lines_count, "
        "known_at, first_seen_at) values (?, ?, ?, ?, ?)",
        [one.file.name, one.content_hash, one.lines_count, known_at, now],
    )
    # A file may say again what it said before.
    connection.execute(
        f"delete from {table.name} where content_hash = ?", [one.content_hash]
    )
    kept = [(number, *cells, None) for number, cells in one.lines] + [
        (number, *[None] * len(one.file.columns), why) for number, why in one.refused
    ]
    if kept:
        # An older warehouse has its columns in another order.
        places = ", ".join("?" * len(table.columns))
        connection.executemany(
            f"insert into {table.name} ({', '.join(table.columns)}) values ({places})",
            [[one.content_hash, *cells] for cells in kept],
        )


def _read(file: DeskFile, path: Path) -> DeskContent:
    try:
        content = read_regular(path)
    except OSError as error:
        raise DeskFileError(f"{path} cannot be read ({error.strerror}).") from None
    text, foreign = _decoded(content)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    lines: list[tuple[int, tuple[str | None, ...]]] = []
    refused: list[tuple[int, str]] = []
    seen: dict[tuple, int] = {}
    try:
        for cells in reader:
            # A row of blanks is nobody's fault.
            if not any(cell.strip() for cell in cells):
                continue
            if not names:
                _check_text(path, reader.line_num, foreign)
                names = _header(file, path, reader.line_num, cells)
                continue
            try:
                _check_text(path, reader.line_num, foreign)
                values = _cells(file, path, reader.line_num, names, cells)
                key = tuple(values.get(name) for name in file.key)
                if key in seen:
                    told = ", ".join(one for one in file.key if one in names)
                    counts = "" if file.is_taken_whole else ", which counts"
                    raise DeskFileError(
                        f"{path}, line {reader.line_num} is about the same as line "
                        f"{seen[key]} ({told}){counts}. Delete one of them."
                    )
                seen[key] = reader.line_num
            except DeskFileError as error:
                if file.is_taken_whole:
                    raise
                why = str(error).removeprefix(f"{path}, ")
                refused.append((reader.line_num, why))
                continue
            lines.append(
                (reader.line_num, tuple(values.get(name) for name in file.columns))
            )
    except csv.Error as error:
        raise DeskFileError(
            f"{path}, line {reader.line_num} is no CSV ({error}). Fix it."
        ) from None
    if not names:
        raise DeskFileError(
            f"{path} has no header. Its first line must be: {','.join(file.columns)}"
        )
    content_hash = hashlib.sha256(content).hexdigest()
    return DeskContent(file, path, content_hash, tuple(lines), tuple(refused))


def _decoded(content: bytes) -> tuple[str, dict[int, str]]:
    """The text of a file, and what is wrong with lines of it that are no UTF-8."""
    separator = max(_SEPARATORS, key=content.count).decode()
    foreign = {}
    for number, line in enumerate(content.splitlines(), start=1):
        if found := foreign_cell(line, separator):
            place, cell = found
            foreign[number] = (
                f"line {number}, column {place + 1}: {cell!r} is not written as UTF-8. "
                "Save the file as CSV UTF-8, with commas."
            )
    return content.decode("utf-8-sig", "replace"), foreign


def _check_text(path: Path, line: int, foreign: dict[int, str]) -> None:
    """Refuse a row that ends on this line where a line of it is no UTF-8."""
    found = [foreign.pop(number) for number in sorted(foreign) if number <= line]
    if found:
        raise DeskFileError(f"{path}, {found[0]}")


def _header(file: DeskFile, path: Path, line: int, cells: list[str]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if len(cells) == 1 and any(sign in cells[0] for sign in ";\t"):
        raise DeskFileError(
            f"{path}, line {line}: {cells[0]!r} has no commas between its cells. Save "
            "the file as CSV UTF-8, with commas."
        )
    missing = [
        name for name in file.columns if name not in names and name not in file.optional
    ]
    if file.one_of and not set(file.one_of) & set(names):
        missing.append(f"one of {', '.join(file.one_of)}")
    unknown = [name for name in names if name not in file.columns]
    twice = [name for name in set(names) if names.count(name) > 1]
    for problem, found in (
        ("lacks", missing), ("has unknown", unknown), ("has twice", twice),
    ):  # fmt: skip
        if found:
            raise DeskFileError(
                f"{path}, line {line}: the header {problem} {', '.join(found)}. Its "
                f"columns are: {','.join(file.columns)}"
            )
    return names


def _cells(
    file: DeskFile, path: Path, line: int, names: list[str], cells: list[str]
) -> dict[str, str | None]:
    if len(cells) != len(names):
        raise DeskFileError(
            f"{path}, line {line} has {len(cells)} cells, the header has {len(names)}. "
            "Fix it."
        )
    values: dict[str, str | None] = {}
    for name, cell in zip(names, cells, strict=True):
        try:
            if cell != cell.strip():
                raise ValueError("begins or ends with a space")
            if not cell.isprintable():
                raise ValueError("holds a line break or a sign nobody sees")
            values[name] = file.columns[name](cell) or None
        except ValueError as error:
            raise DeskFileError(
                f"{path}, line {line}, column {name}: {cell!r} {error}. Fix it."
            ) from None
    try:
        file.check_line(dict.fromkeys(file.columns) | values)
    except ValueError as error:
        raise DeskFileError(f"{path}, line {line}: {error}. Fix it.") from None
    return values
