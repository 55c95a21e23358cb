"""`make limits`: the next session's proposal, from the rules."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingestion.desk_files import LIMIT_BOUNDS
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.sessions import sessions_between, utc_now
from runtime.settings import BASE_CURRENCY, Settings
from runtime.terminal import table
from trading_limits.facts import WARNING_SHARE, Facts, read_facts, stop_effects
from trading_limits.keys import os_user
from trading_limits.ledger import EXPIRED, LEFT, PROPOSED, REJECTED, Ledger
from trading_limits.rows import LIMITS, TEMPORARY, LimitRow, amount, as_csv
from trading_limits.rules import (
    TEMPORARY_SESSIONS,
    Change,
    Standing,
    evidence,
    propose_max_loss,
)
from trading_limits.state import PENDING, Decided, Key, State, replay

FILE = "proposed.csv"
# What of a row may differ though the same is proposed again.
_WHO_AND_WHEN = {"version", "proposed_at", "proposed_by"}


def propose(settings: Settings, home: Home) -> str:
    """Propose the next session's limits; write and return them.

    What a person has decided or changed stays; what the rules propose no longer is
    withdrawn. Limits that are over, and those of accounts that left, are told.

    Raises:
        UserError: Nothing is published, the data is stale, the desk has no bounds, or
            the ledger is not what was written.
    """
    facts = read_facts(settings, home)
    if not facts.bounds:
        raise UserError(
            "limit_bounds.csv of the desk has no line: no limit is proposed without "
            "its floor, ceiling and largest change a day. Below the header "
            f"{','.join(LIMIT_BOUNDS.columns)} add one: max_loss,250,5000,0.25,"
        )
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        told = []
        gone = sorted({one for one, _ in state.history} - facts.traders.keys())
        if gone:
            ledger.append(entries, LEFT, {"accounts": gone}, session=f"{facts.session}")
            told.append(f"Left, and without limits from now on: {', '.join(gone)}")
        state = replay(entries, state)
        if over := state.ended(facts.session):
            told += map(_ended, over)
            hashes = [row.content_sha256 for row in over]
            ledger.append(
                entries, EXPIRED, {"rows": hashes}, session=f"{facts.session}"
            )
        before = state.sets.get(facts.session)
        fresh = _fresh_rows(home, facts, state)
        open_keys = {
            key for key, one in (before or {}).items() if _is_open(one)
        }  # fmt: skip
        new = [row for row in fresh.values() if not _is_known(row, before or {})]
        withdrawn = sorted(open_keys - fresh.keys())
        if new or withdrawn or before is None:
            body = {"rows": [row.cells() for row in new], "withdrawn": withdrawn}
            ledger.append(entries, PROPOSED, body, session=f"{facts.session}")
        state = replay(entries, state)
        # Those of before too: a command that was stopped may have left one behind.
        for session in state.sets:
            write_view(home, state, session)
        path = proposed_path(home, facts.session)
    rows = view(state, facts.session)
    return "\n".join([*told, *_shown(settings, facts.session, rows, path)])


def view(state: State, session: date) -> list[LimitRow]:
    """Rows of a set that are pending or approved, as `proposed.csv` has them."""
    rows = state.sets.get(session, {}).values()
    return [one.row for one in rows if one.status != REJECTED]


def write_view(home: Home, state: State, session: date) -> Path:
    """Write the set as it is now; where."""
    path = proposed_path(home, session)
    content = as_csv(view(state, session))
    if not path.exists() or path.read_bytes() != content:
        write_atomic(path, content)
    return path


def proposed_path(home: Home, session: date) -> Path:
    """Where a session's set lies."""
    return home.limits / f"{session}" / FILE


def standing_of(
    facts: Facts, state: State, key: Key, *, before: bool = False
) -> Standing | None:
    """What is in force: what was approved, else what the desk's files set.

    Args:
        before: As it was before anything was approved for this very session.
    """
    approved = state.standing(key, facts.session, before=before)
    if approved is not None:
        return approved
    return Standing(facts.desk_limits[key]) if key in facts.desk_limits else None


def row_for(
    facts: Facts,
    key: Key,
    change: Change,
    previous: Decimal | None,
    *,
    version: int,
    proposed_by: str,
    expires: date | None,
) -> LimitRow:
    """The row that proposes a change of a limit, from this session on."""
    account, limit = key
    trader = facts.traders[account]
    share = facts.warning_shares.get(trader, WARNING_SHARE)
    values: dict[str, Any] = dict.fromkeys(LIMITS) | {limit: change.value}
    return LimitRow(
        limit_set_id=f"{facts.session}",
        version=version,
        account_id=account,
        trader_id=trader,
        effective_session=facts.session,
        expires_session=expires,
        limit_type=change.limit_type,
        warning_loss=(
            (change.value * share).quantize(Decimal("0.01"))
            if limit == "max_loss"
            else None
        ),
        currency=BASE_CURRENCY,
        previous_value=previous,
        reason=change.reason,
        model_version=facts.model_version,
        proposed_by=proposed_by,
        proposed_at=utc_now().isoformat(timespec="seconds"),
        approved_by=None,
        approved_at=None,
        reverts_to=change.reverts_to,
        content_sha256="",
        **values,
    ).sealed()


def last_session(first: date, sessions: int) -> date:
    """The last of so many sessions from one on."""
    return sessions_between(first, first + timedelta(days=2 * sessions + 14))[
        sessions - 1
    ]


def _fresh_rows(home: Home, facts: Facts, state: State) -> dict[Key, LimitRow]:
    """What the rules propose now of limits that no person has dealt with."""
    from trading_limits.trial import is_withheld

    there, trial = state.sets.get(facts.session, {}), state.trial(facts.session)
    changes: dict[Key, tuple[Change, Decimal | None]] = {}
    for account, trader in facts.traders.items():
        key = account, "max_loss"
        if trader not in facts.by_trader or "max_loss" not in facts.bounds:
            continue
        if key in there and not _is_open(there[key]):
            continue
        standing = standing_of(facts, state, key)
        change = propose_max_loss(
            facts.by_trader[trader], standing, facts.bounds["max_loss"]
        )
        if standing is not None and trial and is_withheld(trial, trader):
            continue
        if change is not None:
            changes[key] = change, standing.value if standing else None
    values = {change.value for change, _ in changes.values()}
    effects = stop_effects(home, values) if values else {}
    rows = {}
    for key, (change, previous) in changes.items():
        effect = effects.get((facts.traders[key[0]], change.value))
        reason = f"{change.reason} {evidence(change.value, effect)}"
        rows[key] = row_for(
            facts,
            key,
            replace(change, reason=reason),
            previous,
            version=there[key].row.version + 1 if key in there else 1,
            proposed_by=os_user(),
            expires=(
                last_session(facts.session, TEMPORARY_SESSIONS)
                if change.limit_type == TEMPORARY
                else None
            ),
        )
    return rows


def _is_open(one: Decided) -> bool:
    return one.status == PENDING and not one.is_by_person


def _is_known(row: LimitRow, there: dict[Key, Decided]) -> bool:
    """Whether the same is proposed already."""
    if row.key not in there:
        return False
    old, new = there[row.key].row.content(), row.content()
    return all(old[name] == new[name] for name in new if name not in _WHO_AND_WHEN)


def _ended(row: LimitRow) -> str:
    assert row.reverts_to is not None
    return (
        f"{row.account_id}: {row.limit} is back at {amount(row.reverts_to)} (it was "
        f"{amount(row.value)} until {row.expires_session})"
    )


def _shown(
    settings: Settings, session: date, rows: list[LimitRow], path: Path
) -> list[str]:
    waiting = [row for row in rows if row.approved_by is None]
    if not rows:
        return [f"Nothing is proposed for {session} ({path})"]
    cells = [("account", "limit", "now", "proposed", "until", "then", "status", "why")]
    for row in sorted(rows, key=lambda row: row.key):
        cells.append(
            (
                row.account_id,
                row.limit,
                "none" if row.previous_value is None else f"{row.previous_value:,.0f}",
                f"{row.value:,.0f}",
                f"{row.expires_session or 'changed'}",
                "" if row.reverts_to is None else f"{row.reverts_to:,.0f}",
                f"approved by {row.approved_by}" if row.approved_by else "proposed",
                row.reason,
            )
        )
    lines = [f"Limits for {session}, {len(waiting)} waiting for approval:"]
    lines += table(cells, optional=("then", "until"))
    lines.append(f"  in {path}")
    if waiting:
        command = settings.as_command("approve-limits")
        lines.append(f"  {command} SESSION={session} NAME=<you> REASON='...'")
    return lines
