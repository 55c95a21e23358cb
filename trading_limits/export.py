"""`make export-limits`: what is approved, for a platform, whole or not at all."""

import hashlib
from datetime import date
from pathlib import Path

from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.settings import Settings
from trading_limits.checks import compare, drifted, limits_in_force, record_check
from trading_limits.facts import Facts, read_facts
from trading_limits.ledger import APPROVED, EXPORTED, Ledger
from trading_limits.people import check_real, require_next
from trading_limits.platforms import (
    File,
    Format,
    LimitInForce,
    Wanted,
    fix,
    generic_csv,
    generic_json,
    ibkr,
    sheet,
    tradovate,
    tt,
)
from trading_limits.rows import WARNING, amount
from trading_limits.state import BY_ITSELF, PENDING, State, replay

# As `runtime.settings.PlatformName` lists them.
PLATFORMS: dict[str, Format] = {
    "csv": generic_csv.FORMAT,
    "json": generic_json.FORMAT,
    "tt": tt.FORMAT,
    "ibkr": ibkr.FORMAT,
    "tradovate": tradovate.FORMAT,
    "fix": fix.FORMAT,
    **{name: screen.format for name, screen in sheet.SHEETS.items()},
}


def export(
    settings: Settings, home: Home, *, session: date, platform: str, shows_only: bool
) -> str:
    """Write what is approved for a session as a file for a platform.

    A file is sent, if its platform is sent files, then written, then in the ledger: who
    is stopped between these does it again, and what was sent is not sent twice.

    Args:
        shows_only: Return what would be written, and write nothing.

    Raises:
        UserError: Nothing is approved, the data is stale, an account left, a limit is
            beyond the desk's ceiling, or the platform refuses.
    """
    facts = read_facts(settings, home)
    require_next(facts, session)
    form = PLATFORMS[platform]
    path = exported_path(home, session, platform)
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        check_real(settings, state)
        limits = _limits(facts, state, session)
        last = state.exports.get((session, platform))
        file = form.write(wanted(facts, state, session, platform, limits))
        waiting = [one for one in state.sets[session].values() if one.status == PENDING]
        note = f". By hand: {file.note}" if file.note else ""
        if waiting:
            note += f". Not in it: {len(waiting)} that wait for approval"
        if shows_only:
            shown = file.content.decode().rstrip("\n")
            return f"{shown}\nNothing was written (DRY_RUN){note}".lstrip("\n")
        if not file.content:
            return f"{platform} has all that is approved for {session}: nothing to send"
        digest = hashlib.sha256(file.content).hexdigest()
        is_there = path.exists() and path.read_bytes() == file.content
        if last and last["sha256"] == digest and is_there and form.send is None:
            if wrong := drifted(compare(state, session, [platform])):
                return (
                    f"{path} is as approved already, and {len(wrong)} of it drifted "
                    f"there: set it there again, then look again{note}"
                )
            return f"{path} is as approved already: nothing to send{note}"
        # File and ledger say what was confirmed: never what may have arrived.
        sent = form.send(settings, file.content) if form.send else None
        if sent is None or not sent.problem:
            if file.page is not None:
                write_atomic(path.with_suffix(".html"), file.page)
            if not is_there:
                write_atomic(path, file.content)
            if last is None or last["sha256"] != digest:
                body = _body(platform, digest, file, limits, form)
                ledger.append(entries, EXPORTED, body, session=f"{session}")
        if sent is not None:
            record_check(
                ledger, entries, session, platform, BY_ITSELF, sent.found,
                sent.acknowledged,
            )  # fmt: skip
            if sent.problem:
                raise UserError(sent.problem)
    count = len(file.ids)
    said = f"{count} {'limit' if count == 1 else 'limits'} in {path}"
    if file.page is not None:
        said += f", and to print beside it as {path.with_suffix('.html').name}"
    return f"{said}{f'. {sent.message}' if sent else ''}{note}"


def wanted(
    facts: Facts,
    state: State,
    session: date,
    platform: str,
    limits: list[LimitInForce],
) -> Wanted:
    """What a platform's format is asked for."""
    sent = frozenset(
        one
        for (day, name), body in state.exports.items()
        if name == platform and day < session
        for one in body["ids"]
    )
    last = state.exports.get((session, platform))
    standing = {
        key: one.seen
        for key, one in state.platforms.get(platform, {}).items()
        if one.seen_entry
    }
    return Wanted(
        session, limits, sent, frozenset(last["ids"] if last else ()),
        facts.ibkr_rules, facts.fix_limits, standing, facts.is_sample,
    )  # fmt: skip


def _body(
    platform: str, digest: str, file: File, limits: list[LimitInForce], form: Format
) -> dict[str, object]:
    """What the ledger says of a file."""
    held = [one for one in limits if one.id in set(file.ids)]
    values = [[*one.key, amount(one.value)] for one in held]
    if form.has_warnings:
        values += [
            [one.account_id, WARNING, amount(one.warning)]
            for one in held
            if one.warning is not None
        ]
    names = {one.limit for one in limits} | {WARNING}
    return {
        "platform": platform,
        "sha256": digest,
        "ids": sorted(file.ids),
        "limits": sorted(values),
        "not_taken": sorted(names - {limit for _, limit, _ in values}),
    }


def exported_path(home: Home, session: date, platform: str) -> Path:
    """Where a platform's file lies."""
    folder = home.limits / f"{session}" / "exported"
    return folder / f"{platform}.{PLATFORMS[platform].extension}"


def _limits(facts: Facts, state: State, session: date) -> list[LimitInForce]:
    rows = state.sets.get(session)
    if rows is None:
        raise UserError(f"No limits are proposed for {session}. Run `make limits`.")
    waiting = [one for one in rows.values() if one.status == PENDING]
    approved = [one for one in rows.values() if one.status == APPROVED]
    if waiting and not approved:
        raise UserError(
            f"Nothing of the set of {session} is approved; {len(waiting)} wait. "
            "Somebody else than who proposed them runs `make approve-limits`."
        )
    in_force = state.in_force(session)
    if not in_force:
        raise UserError(f"No approved limit is in force on {session}.")
    for (account, limit), (_, value) in sorted(in_force.items()):
        if account not in facts.traders:
            raise UserError(
                f"{account} has an approved {limit} and is no account that trades for "
                "the desk: it left, or is not known. Nothing is written; `make limits` "
                "ends its limits."
            )
        bound = facts.bounds.get(limit)
        if bound is None or value > bound.ceiling:
            most = f"the ceiling of {amount(bound.ceiling)}" if bound else "no bound"
            raise UserError(
                f"{limit} {amount(value)} of {account} is beyond what the desk allows "
                f"now ({most}, limit_bounds.csv). Nothing is written; amend it."
            )
    return limits_in_force(state, session)
