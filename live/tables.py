"""What the night keeps of the live desk's sessions, for dbt to read."""

from runtime.tables import Table

LIVE_SESSIONS = Table(
    "ops.live_sessions",
    {
        "session_date": "date not null",
        "journal_bytes": "bigint not null",
        "reports_count": "bigint not null",
        "is_synthetic": "boolean not null",
        "is_complete": "boolean not null",
        "loaded_at": "timestamp not null",
    },
    primary_key=("session_date",),
)
LIVE_FILLS = Table(
    "ops.live_fills",
    {
        "session_date": "date not null",
        "source": "varchar not null",
        "exec_id": "varchar not null",
        "account_id": "varchar not null",
        "symbol": "varchar not null",
        "side": "varchar not null",
        "quantity": "decimal(38, 8) not null",
        "price": "decimal(38, 8) not null",
        "executed_at": "timestamp not null",
    },
    primary_key=("session_date", "source", "exec_id"),
)
LIVE_ACCOUNTS = Table(
    "ops.live_accounts",
    {
        "session_date": "date not null",
        "account_id": "varchar not null",
        "trader_id": "varchar not null",
        "gross_pnl": "decimal(38, 8)",
        "estimated_fees": "decimal(38, 8)",
        "net_pnl": "decimal(38, 8)",
    },
    primary_key=("session_date", "account_id"),
)
LIVE_PROBLEMS = Table(
    "ops.live_problems",
    {"session_date": "date not null", "problem": "varchar not null"},
    primary_key=("session_date",),
)
# Of sessions that could be read; the others are in LIVE_PROBLEMS alone.
SESSION_TABLES = (LIVE_SESSIONS, LIVE_FILLS, LIVE_ACCOUNTS)
TABLES = (*SESSION_TABLES, LIVE_PROBLEMS)
