"""Loads a simulator's firm as of its virtual morning, and compares what came of it."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ingestion.client import PropReportsClient
from ingestion.documents import Document
from ingestion.pipeline import IngestSummary, load
from ingestion.resources import BROKER_DAYS, POSITIONS
from ingestion.simulator import Simulator
from ingestion.sources import ApiSource, Request
from runtime.home import Home
from runtime.sessions import EASTERN
from tests.conftest import make_settings, rows, rows_of_each


def _number(cell: str) -> Decimal | None:
    return Decimal(cell) if cell else None


def _text(cell: str) -> str | None:
    return cell or None


def _day(cell: str) -> date | None:
    if not cell:
        return None
    is_iso = "-" in cell
    return datetime.strptime(cell, "%Y-%m-%d" if is_iso else "%m/%d/%Y").date()


# Of each resource but fills: raw column, the simulator's label, how a cell is read.
COLUMNS: dict[str, dict[str, tuple[str, Callable[[str], object]]]] = {
    "accounts": {
        "account_number": ("Account Id", _text),
        "account_name": ("Account Name", _text),
        "first_traded_date": ("First Traded", _day),
        "last_traded_date": ("Last Traded", _day),
        "currency": ("Currency", _text),
        "cash_amount": ("Cash", _number),
        "unrealized_pnl": ("Unrealized", _number),
    },
    "broker_days": {
        "trade_date": ("Date", _day),
        "instrument_type": ("Type", _text),
        "orders_count": ("Orders", _number),
        "fills_count": ("Fills", _number),
        "quantity": ("Qty", _number),
        "gross_pnl": ("Gross", _number),
        "total_fees": ("Trade Fees", _number),
        "net_pnl": ("Net", _number),
        "adjusted_net_pnl": ("Adj Net", _number),
        "unrealized_delta": ("Unrealized Δ", _number),
        "total_delta": ("Total Δ", _number),
        "transfers_amount": ("Transfers", _number),
        "cash_amount": ("Cash", _number),
        "unrealized_pnl": ("Unrealized", _number),
        "end_balance": ("End Balance", _number),
    },
    "positions": {
        "trade_date": ("Date", _day),
        "symbol": ("Symbol", _text),
        "quantity": ("Qty", _number),
        "average_price": ("Avg Price", _number),
        "close_price": ("Close", _number),
        "unrealized_pnl": ("Unrealized", _number),
    },
    "adjustments": {
        "trade_date": ("Date", _day),
        "category": ("Category", _text),
        "amount": ("Amount", _number),
    },
}
CURRENT_VERSIONS = """
    select account_number, trade_date, content_hash from (
        select *, row_number() over (
            partition by account_number, trade_date order by known_at desc
        ) as recency
        from raw.day_versions where resource = '{resource}'
    ) where recency = 1
"""


def load_morning(simulator: Simulator, home: Home, **options: object) -> IngestSummary:
    """Ingest what the simulator shows now into `home`, at its own time."""
    return load_from(
        simulator.url,
        simulator.user,
        simulator.password,
        simulator.now,
        home,
        **options,
    )


def load_from(
    url: str,
    user: str,
    password: str,
    now: datetime,
    home: Home,
    *,
    window: tuple[date, date] | None = None,
    timeout_seconds: tuple[float, float] = (5, 5),
    answer_seconds: float = 60,
    firm: str = "simulated firm",
    **settings: object,
) -> IngestSummary:
    """Ingest what an API shows, as if it was `now` (naive Eastern)."""
    client = PropReportsClient(
        url,
        user=user,
        password=password,
        timeout_seconds=timeout_seconds,
        answer_seconds=answer_seconds,
        first_wait_seconds=0.001,
        requests_per_second=1000,
    )
    with client:
        source = ApiSource(
            client,
            name="api",
            firm=firm,
            group_id=-2,
            latest_as_of=now.date(),
        )
        chosen = make_settings(risk_home=home.root, **settings)
        return load(chosen, source, home, window=window, now=in_utc(now))


def in_utc(now: datetime) -> datetime:
    """A naive Eastern time as naive UTC."""
    return now.replace(tzinfo=EASTERN).astimezone(UTC).replace(tzinfo=None)


class _BrokersBooks(ApiSource):
    """Fills and adjustments of one firm, the broker's own figures of another."""

    def __init__(self, client: PropReportsClient, books: ApiSource, as_of: date):
        super().__init__(
            client, name="api", firm="two books", group_id=-2, latest_as_of=as_of
        )
        self._books = books

    def requests(
        self, account_names: dict[str, str], first: date, last: date
    ) -> list[Request]:
        """As of any API."""
        self._books.requests(account_names, first, last)
        return super().requests(account_names, first, last)

    def read(self, request: Request) -> Iterator[Document]:
        """From where it is told."""
        if request.resource in (POSITIONS, BROKER_DAYS):
            return self._books.read(request)
        return super().read(request)


def load_two_books(
    simulator: Simulator, books: Simulator, home: Home, **settings: object
) -> IngestSummary:
    """As `load_morning`; positions and summaries are those of the firm of `books`."""
    with connect(simulator) as client, connect(books) as other:
        own = ApiSource(
            other,
            name="api",
            firm="two books",
            group_id=-2,
            latest_as_of=simulator.as_of,
        )
        source = _BrokersBooks(client, own, simulator.as_of)
        chosen = make_settings(risk_home=home.root, **settings)
        return load(chosen, source, home, now=in_utc(simulator.now))


def connect(simulator: Simulator) -> PropReportsClient:
    """A client of a simulator that waits for nothing."""
    return PropReportsClient(
        simulator.url,
        user=simulator.user,
        password=simulator.password,
        first_wait_seconds=0.001,
        requests_per_second=1000,
    )


def shown(simulator: Simulator) -> dict[str, Counter]:
    """Every row the simulator shows now, by resource, with all declared columns."""
    with_numbers = {x.name: str(x.number) for x in simulator.firm.accounts}
    found = {
        "accounts": Counter(_cells("accounts", row) for row in _pages(simulator)),
        "fills": shown_fills(simulator),
        "broker_days": Counter(_summaries(simulator)),
    }
    for action in ("positions", "adjustments"):
        found[action] = Counter(
            (with_numbers[row["Account"]], *_cells(action, row))
            for row in _pages(simulator, action, **_whole(simulator))
        )
    return found


def held(home: Home) -> dict[str, Counter]:
    """Every row of the versions known last, as `shown`."""
    others = {
        resource: f"""
            with current_versions as ({CURRENT_VERSIONS.format(resource=resource)})
            select account_number, {", ".join(COLUMNS[resource])} from raw.{resource}
            inner join current_versions
                using (account_number, trade_date, content_hash)
            """
        for resource in ("broker_days", "positions", "adjustments")
    }
    return {"accounts": _held_accounts(home), "fills": held_fills(home)} | {
        resource: Counter(found)
        for resource, found in rows_of_each(home, others).items()
    }


def shown_fills(simulator: Simulator) -> Counter:
    """Every fill the simulator shows now, cancelled ones too, with its fees."""
    return Counter(
        (
            fill.account_name,
            fill.filled_at.date(),
            fill.filled_at,
            fill.side,
            fill.quantity,
            fill.symbol,
            fill.price,
            fill.route,
            fill.liquidity,
            fill.order_id,
            fill.fill_id,
            fill.currency,
            fill.isin,
            fill.cusip,
            fill.status,
            str(fill.propreports_id),
            sum(fill.fees.values()),
            frozenset(
                (name.lower().replace(" ", "_"), amount)
                for name, amount in fill.fees.items()
                if amount
            ),
        )
        for fill in simulator.firm.fills
        if fill.filled_at.date() <= simulator.last_visible
    )


def held_fills(home: Home) -> Counter:
    """Every fill of the versions known last, as `shown_fills`."""
    found = rows(
        home,
        f"""
        with current_versions as ({CURRENT_VERSIONS.format(resource="fills")}),
        names as (
            select account_number, account_name from raw.accounts
            inner join (
                select account_number, arg_max(content_hash, known_at) as content_hash
                from raw.account_versions group by account_number
            ) using (account_number, content_hash)
        ),
        fees as (
            select account_number, trade_date, content_hash, row_number,
                list(fee_name) as fee_names, list(amount) as amounts
            from raw.fill_fees
            group by account_number, trade_date, content_hash, row_number
        )
        select account_name, trade_date, filled_at_et, side, quantity, symbol, price,
            coalesce(route, ''), coalesce(liquidity, ''), coalesce(order_id, ''),
            coalesce(fill_id, ''), coalesce(currency, ''), coalesce(isin, ''),
            coalesce(cusip, ''), coalesce(status, ''), propreports_id, total_fees,
            fee_names, amounts
        from raw.fills
        inner join current_versions using (account_number, trade_date, content_hash)
        inner join names using (account_number)
        left join fees using (account_number, trade_date, content_hash, row_number)
        """,
    )
    return Counter(
        (*row[:-2], frozenset(zip(row[-2] or (), row[-1] or (), strict=True)))
        for row in found
    )


def _held_accounts(home: Home) -> Counter:
    """The accounts that are listed, as they are now."""
    return Counter(
        rows(
            home,
            f"""
            select {", ".join(COLUMNS["accounts"])} from raw.accounts
            inner join (
                select account_number, arg_max(content_hash, known_at) as content_hash,
                    arg_max(is_listed, known_at) as is_listed
                from raw.account_versions group by account_number
            ) using (account_number, content_hash)
            where is_listed
            """,
        )
    )


def _summaries(simulator: Simulator) -> Iterator[tuple]:
    """The rows of every account's daily summary, without its totals."""
    for account in list(_pages(simulator)):
        number = account["Account Id"]
        fields = {"accountId": number, **_whole(simulator)}
        text = _asked(simulator, "report", type="summaryByDate", **fields)
        for row in csv.DictReader(io.StringIO(text)):
            if "/" in (row.get("Date") or ""):
                yield (number, *_cells("broker_days", row))


def _pages(
    simulator: Simulator, action: str = "accounts", **fields: str
) -> Iterator[dict[str, str]]:
    """The rows of all pages."""
    number = count = 1
    while number <= count:
        text = _asked(
            simulator, action, **{"groupId": "-2", "page": str(number), **fields}
        )
        body, _, trailer = text.rpartition("Page ")
        yield from csv.DictReader(io.StringIO(body))
        count = int(trailer.partition("/")[2])
        number += 1


def _asked(simulator: Simulator, action: str, **fields: str) -> str:
    """An answer as it is, whatever becomes of answers on their way."""
    login = {"user": simulator.user, "password": simulator.password}
    _, token = simulator.answer({"action": "login", **login})
    status, text = simulator.answer({"action": action, "token": token, **fields})
    assert status == 200, text
    return text


def _whole(simulator: Simulator) -> dict[str, str]:
    end = simulator.last_visible + timedelta(days=1)
    return {"startDate": "2020-01-01", "endDate": end.isoformat()}


def _cells(resource: str, row: dict[str, str]) -> tuple:
    """The declared columns of a row of CSV, read by other means than the load's."""
    return tuple(read(row[label]) for label, read in COLUMNS[resource].values())


def assert_as_shown(home: Home, simulator: Simulator) -> dict[str, Counter]:
    """The warehouse holds what the simulator shows, row by row.

    Returns:
        What it shows.
    """
    right, found = shown(simulator), held(home)
    assert found.keys() == right.keys()
    for resource, expected in right.items():
        assert found[resource] == expected, resource
    assert_versions_are_whole(home)
    return right


def assert_versions_are_whole(home: Home) -> None:
    """Every version that counts has all its rows, each once."""
    broken = {
        resource: f"""
            select account_number, trade_date, content_hash, versions.rows_count
            from raw.day_versions as versions left join raw.{resource} as held
                using (account_number, trade_date, content_hash)
            where versions.resource = '{resource}'
            group by all
            having versions.rows_count <> count(held.row_number)
                / count(distinct versions.known_at)
                or count(distinct held.row_number) <> versions.rows_count
            """
        for resource in ("fills", "broker_days", "positions", "adjustments")
    }
    assert not any(rows_of_each(home, broken).values())


def raw_tables(home: Home) -> dict[str, list[tuple]]:
    """Every row of schema `raw`; times included, for the clock of the runs stood still.

    Left out: dlt's own tables; what the gate found, whose batches are cut where a run
    resumes; and the clock time at which a past morning was rebuilt.
    """
    names = rows(
        home,
        "select table_name from information_schema.tables where table_schema = 'raw' "
        "and table_name not like '%dlt%' and table_name not like 'gate_%'",
    )
    all_but_when = "select columns(lambda name: name <> 'ingested_at') from raw."
    return rows_of_each(
        home, {name: f"{all_but_when}{name} order by all" for (name,) in names}
    )
