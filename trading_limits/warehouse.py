"""What the warehouse holds of limits: copies of the ledger, and what it comes to.

The marts are built on these tables; who writes limits never reads them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from runtime.home import Home
from runtime.settings import Settings
from runtime.tables import Table
from runtime.warehouse import load_ledger, require_run_context
from trading_limits.checks import compare
from trading_limits.ledger import LIMIT_LEDGER, Entry, Ledger, LedgerError
from trading_limits.state import State, replay
from trading_limits.trial import LIMIT_TRIALS, trial_results

_AMOUNT = "decimal(18, 8)"
LIMIT_CHANGES = Table(
    "ops.limit_changes",
    {
        "entry_number": "bigint",
        "session": "date",
        "account_id": "varchar",
        "trader_id": "varchar",
        "limit_name": "varchar",
        "version": "bigint",
        "status": "varchar",
        "limit_type": "varchar",
        "limit_value": _AMOUNT,
        "warning_value": _AMOUNT,
        "previous_value": _AMOUNT,
        "reverts_to": _AMOUNT,
        "currency": "varchar",
        "effective_session": "date",
        "expires_session": "date",
        "proposed_by": "varchar",
        "is_by_person": "boolean",
        "proposed_at": "timestamp",
        "reason": "varchar",
        "model_version": "varchar",
        "decided_by": "varchar",
        "decided_at": "timestamp",
        "decision": "varchar",
    },
)
LIMIT_PLATFORMS = Table(
    "ops.limit_platforms",
    {
        "session": "date",
        "platform": "varchar",
        "account_id": "varchar",
        "trader_id": "varchar",
        "limit_name": "varchar",
        "our_value": _AMOUNT,
        "their_value": _AMOUNT,
        "status": "varchar",
        "sent_at": "timestamp",
        "seen_at": "timestamp",
        "seen_by": "varchar",
        "seen_how": "varchar",
    },
)
LEDGER_STATE = Table(
    "ops.limit_ledger_state",
    {"session": "date", "entries_count": "bigint", "problem": "varchar"},
)
TABLES = (LIMIT_LEDGER, LIMIT_CHANGES, LIMIT_PLATFORMS, LIMIT_TRIALS, LEDGER_STATE)
_TYPES = {
    "bigint": pa.int64(), "varchar": pa.string(), "date": pa.date32(),
    "boolean": pa.bool_(), "timestamp": pa.timestamp("us"), "double": pa.float64(),
    _AMOUNT: pa.decimal128(18, 8),
}  # fmt: skip


def load_limits(settings: Settings, root: Home, home: Home) -> str | None:
    """Copy the ledger of limits and what it comes to into a home's warehouse.

    A damaged ledger stops no morning: what was read of it last stays, and an alarm says
    so. A past morning knows what was in the ledger for its own session.

    Args:
        root: Whose ledger.
        home: Whose warehouse: `root`, or that of a past morning.

    Returns:
        What is wrong with the ledger, in a line; None if nothing is.
    """
    session = require_run_context(home).prediction_date
    try:
        entries = Ledger(root).entries()
        if home != root:
            entries = _known_by(entries, session)
        state = replay(entries)
    except LedgerError as error:
        found = {"session": session, "entries_count": None, "problem": str(error)}
        _load(home, LEDGER_STATE, [found])
        return str(error)
    load_ledger(home, LIMIT_LEDGER.name, Ledger.table(entries))
    _load(home, LIMIT_CHANGES, _changes(state))
    _load(home, LIMIT_PLATFORMS, _platforms(settings, state, session))
    _load(home, LIMIT_TRIALS, trial_results(home, state, session))
    whole = {"session": session, "entries_count": len(entries), "problem": None}
    _load(home, LEDGER_STATE, [whole])
    return None


def _known_by(entries: list[Entry], session: date) -> list[Entry]:
    """The ledger as it was before it said anything of a later session."""
    for number, entry in enumerate(entries):
        if entry.session is not None and entry.session > f"{session}":
            return entries[:number]
    return entries


def _changes(state: State) -> list[Mapping[str, Any]]:
    return [
        {
            "entry_number": entry_number,
            "session": date.fromisoformat(one.row.limit_set_id),
            "account_id": one.row.account_id,
            "trader_id": one.row.trader_id,
            "limit_name": one.row.limit,
            "version": one.row.version,
            "status": one.status,
            "limit_type": one.row.limit_type,
            "limit_value": one.row.value,
            "warning_value": one.row.warning_loss,
            "previous_value": one.row.previous_value,
            "reverts_to": one.row.reverts_to,
            "currency": one.row.currency,
            "effective_session": one.row.effective_session,
            "expires_session": one.row.expires_session,
            "proposed_by": one.row.proposed_by,
            "is_by_person": one.is_by_person,
            "proposed_at": _moment(one.row.proposed_at),
            "reason": one.row.reason,
            "model_version": one.row.model_version,
            "decided_by": one.decided_by,
            "decided_at": _moment(one.decided_at),
            "decision": one.decision,
        }
        for (entry_number, _), one in sorted(state.versions.items())
    ]


def _platforms(
    settings: Settings, state: State, session: date
) -> list[Mapping[str, Any]]:
    return [
        {
            "session": session,
            "platform": one.platform,
            "account_id": one.account_id,
            "trader_id": one.trader_id,
            "limit_name": one.limit,
            "our_value": one.ours,
            "their_value": one.there.seen,
            "status": one.status,
            "sent_at": _moment(one.there.sent_at),
            "seen_at": _moment(one.there.seen_at),
            "seen_by": one.there.seen_by,
            "seen_how": one.there.seen_how,
        }
        for one in compare(state, session, settings.limits_platforms)
    ]


def _moment(text: str | None) -> datetime | None:
    """A time of the ledger as the warehouse has it: naive, UTC."""
    if text is None:
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _load(home: Home, table: Table, rows: list[Mapping[str, Any]]) -> None:
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in table.columns.items()])
    exact = [
        {
            name: value.quantize(Decimal("1e-8"))
            if isinstance(value, Decimal)
            else value
            for name, value in row.items()
        }
        for row in rows
    ]
    load_ledger(home, table.name, pa.Table.from_pylist(exact, schema))
