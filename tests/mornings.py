"""Loads a simulator's firm as of its virtual morning, and compares what came of it."""

import csv
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ingestion.client import PropReportsClient
from ingestion.pipeline import IngestSummary, load
from ingestion.simulator import Simulator
from ingestion.sources import ApiSource
from runtime.home import Home
from runtime.sessions import EASTERN
from tests.conftest import make_settings, rows

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
    firm: str = "simulated firm",
    **settings: object,
) -> IngestSummary:
    """Ingest what an API shows, as if it was `now` (naive Eastern)."""
    client = PropReportsClient(
        url,
        user=user,
        password=password,
        timeout_seconds=timeout_seconds,
        first_wait_seconds=0.01,
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
        utc = now.replace(tzinfo=EASTERN).astimezone(UTC).replace(tzinfo=None)
        return load(chosen, source, home, window=window, now=utc)


def shown_fills(simulator: Simulator) -> Counter:
    """Every fill the simulator shows now, cancelled ones too, with its fees."""
    return Counter(
        (
            fill.account_name,
            fill.filled_at,
            fill.side,
            fill.quantity,
            fill.symbol,
            fill.price,
            fill.order_id,
            fill.fill_id,
            fill.status,
            str(fill.propreports_id),
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
        select account_name, filled_at_et, side, quantity, symbol, price,
            coalesce(order_id, ''), coalesce(fill_id, ''), coalesce(status, ''),
            propreports_id, fee_names, amounts
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


def shown_days(simulator: Simulator) -> Counter:
    """The rows of every account's daily summary, as the simulator shows them now."""
    login = {"user": simulator.user, "password": simulator.password}
    _, token = simulator.answer({"action": "login", **login})
    found: Counter = Counter()
    for account in simulator.firm.accounts:
        _, text = simulator.answer(
            {
                "action": "report",
                "type": "summaryByDate",
                "token": token,
                "accountId": str(account.number),
                "startDate": "2020-01-01",
                "endDate": (simulator.last_visible + timedelta(days=1)).isoformat(),
            }
        )
        for row in csv.DictReader(io.StringIO(text)):
            if "/" in (row.get("Date") or ""):
                found[
                    str(account.number),
                    datetime.strptime(row["Date"], "%m/%d/%Y").date(),
                    row["Type"],
                    int(row["Fills"]),
                    Decimal(row["Gross"]),
                    Decimal(row["Trade Fees"]),
                    Decimal(row["Net"]),
                    Decimal(row["Total Δ"]),
                ] += 1
    return found


def held_days(home: Home) -> Counter:
    """The daily summaries of the versions known last, as `shown_days`."""
    return Counter(
        rows(
            home,
            f"""
            with current_versions as ({CURRENT_VERSIONS.format(resource="broker_days")})
            select account_number, trade_date, instrument_type, fills_count, gross_pnl,
                total_fees, net_pnl, total_delta
            from raw.broker_days
            inner join current_versions using (account_number, trade_date, content_hash)
            """,
        )
    )


def assert_as_shown(home: Home, simulator: Simulator) -> None:
    """The warehouse holds what the simulator shows, row by row."""
    assert held_fills(home) == shown_fills(simulator)
    assert held_days(home) == shown_days(simulator)
    assert_versions_are_whole(home)


def assert_versions_are_whole(home: Home) -> None:
    """Every version that counts has all its rows, each once."""
    for resource in ("fills", "broker_days", "positions", "adjustments"):
        broken = rows(
            home,
            f"""
            select account_number, trade_date, content_hash, versions.rows_count
            from raw.day_versions as versions left join raw.{resource} as held
                using (account_number, trade_date, content_hash)
            where versions.resource = '{resource}'
            group by all
            having versions.rows_count <> count(held.row_number)
                / count(distinct versions.known_at)
                or count(distinct held.row_number) <> versions.rows_count
            """,
        )
        assert broken == [], resource
