"""What people do: a key, then approve, reject, amend, extend, revert. All of it signed.

Who approves is somebody else than who proposed; every change has a reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import sessions_between
from runtime.settings import Settings, by_comma
from trading_limits.facts import Facts, read_facts
from trading_limits.keys import Person, key_path, make_key, os_user, person
from trading_limits.ledger import (
    APPROVED,
    CHANGED,
    KEY,
    REJECTED,
    REVOKED,
    Entry,
    Ledger,
)
from trading_limits.proposal import (
    proposed_path,
    row_for,
    standing_of,
    view,
    write_view,
)
from trading_limits.rows import OFFICIAL, TEMPORARY, LimitRow, amount, as_csv
from trading_limits.rules import Change, check_person
from trading_limits.state import (
    PENDING,
    Decided,
    Holder,
    Key,
    State,
    check_new_holder,
    check_two_people,
    replay,
)


@dataclass(frozen=True)
class Request:
    """Which limit somebody wants another way.

    Attributes:
        session: The next session, whose set it is.
        name: Who asks.
        reason: In words.
        account: Whose limit.
        limit: Which.
    """

    session: date
    name: str
    reason: str
    account: str
    limit: str

    @property
    def key(self) -> Key:
        """The account and the limit."""
        return self.account, self.limit


_Changing = Callable[[Facts, State], Change]
_Decision = Callable[[list[Entry], State], str]


def register_key(settings: Settings, home: Home, name: str) -> str:
    """Make a person's key, and write its public part into the ledger.

    Raises:
        UserError: The name, or the system's user, has another key, or it is lost.
    """
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        holder = state.holders.get(name)
        if holder is None:
            # Before a file is written for nothing.
            check_new_holder(state, Holder(name, os_user(), ""))
        elif not key_path(settings, name).exists():
            raise UserError(
                f"{name} has a key, and it is not in {key_path(settings, name)}. If it "
                "is lost, somebody else revokes it: `make limits-key NAME=<them> "
                f"REVOKE={name} REASON=`."
            )
        someone = make_key(settings, name)
        if holder is None:
            new = Holder(name, someone.os_user, someone.public_key)
            check_new_holder(state, new)
            body = {"public_key": someone.public_key}
            ledger.append(entries, KEY, body, by=someone)
        elif (holder.os_user, holder.public_key) != (
            someone.os_user, someone.public_key
        ):  # fmt: skip
            raise UserError(f"{name} has another key, of {holder.os_user}.")
    return (
        f"{name} ({someone.os_user}) signs with the key "
        f"{someone.public_key[:16]}...; compare it with the person"
    )


def revoke_key(
    settings: Settings, home: Home, *, name: str, revoked: str, reason: str
) -> str:
    """Let a key that is lost or stolen, or of somebody who left, sign nothing more.

    Args:
        name: Who does it; one's own key may be revoked, too.
        revoked: Whose key.

    Raises:
        UserError: One of them has no key, or there is no reason.
    """
    check_reason(reason)
    someone = person(settings, name)
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        holder_of(settings, state, someone)
        if revoked not in state.holders:
            raise UserError(f"REVOKE={revoked} has no key here.")
        ledger.append(entries, REVOKED, {"name": revoked}, by=someone, reason=reason)
    return (
        f"The key of {revoked} signs nothing more; delete "
        f"{key_path(settings, revoked)}, then `make limits-key NAME={revoked}` makes "
        "another"
    )


def decide(
    settings: Settings,
    home: Home,
    *,
    session: date,
    name: str,
    reason: str,
    only: str | None,
    approves: bool,
) -> str:
    """Approve or reject what is proposed for a session.

    Args:
        only: Accounts, or account:limit, by comma; None for all that waits.

    Raises:
        UserError: It is not the next session's set, nothing waits, the file was
            edited, the person proposed it, or the desk's bounds do not allow it.
    """
    someone = person(settings, name)
    return decide_as(
        settings, home, someone, session=session, reason=reason, only=only,
        approves=approves,
    )  # fmt: skip


def decide_as(
    settings: Settings,
    home: Home,
    someone: Person,
    *,
    session: date,
    reason: str,
    only: str | None,
    approves: bool,
) -> str:
    """`decide`, as somebody whose key was read."""
    facts = _facts_of(settings, home, session)

    def work(entries: list[Entry], state: State) -> str:
        holder = holder_of(settings, state, someone)
        _check_file(settings, home, state, session)
        chosen = _chosen(state, session, only)
        for one in chosen if approves else ():
            check_two_people(one, holder)
            _check_account(facts, one.row.account_id)
            _check_bounds(facts, state, one.row)
        body = {
            "rows": [[*one.row.key, one.row.content_sha256] for one in chosen],
        }
        kind = APPROVED if approves else REJECTED
        Ledger(home).append(
            entries, kind, body, session=f"{session}", by=someone, reason=reason
        )
        count = len(chosen)
        return f"{count} {'limit' if count == 1 else 'limits'} {kind} by {someone.name}"

    return _with_reason(home, session, reason, work)


def amend(
    settings: Settings,
    home: Home,
    request: Request,
    *,
    value: Decimal,
    until: date | None,
) -> str:
    """Propose another value of a limit; a person may loosen it.

    Args:
        until: The last session of a temporary one; left out, it is official.

    Raises:
        UserError: The account is unknown, or the desk does not allow the value.
    """

    def change(facts: Facts, state: State) -> Change:
        before = standing_of(facts, state, request.key, before=True)
        check_person(
            request.limit, value, before.value if before else None, facts.bounds
        )
        if until is None:
            return Change(OFFICIAL, value, request.reason, None)
        reverts_to = _official(facts, state, request.key)
        if reverts_to is None:
            raise UserError(
                f"{request.limit} of {request.account} has nothing to go back to: "
                "leave UNTIL= out."
            )
        return Change(TEMPORARY, value, request.reason, reverts_to)

    return _change(settings, home, request, change, until)


def extend(settings: Settings, home: Home, request: Request, *, until: date) -> str:
    """Propose that a temporary limit lasts until a later session.

    Raises:
        UserError: No temporary limit is in force, or it lasts as long already.
    """

    def change(_: Facts, state: State) -> Change:
        row = _temporary(state, request.key, request.session)
        assert row.expires_session is not None
        if until <= row.expires_session:
            raise UserError(
                f"{request.limit} of {request.account} lasts until "
                f"{row.expires_session} already."
            )
        return Change(TEMPORARY, row.value, request.reason, row.reverts_to)

    return _change(settings, home, request, change, until)


def revert(settings: Settings, home: Home, request: Request) -> str:
    """Propose that a temporary limit ends now, and goes back to what it was.

    Raises:
        UserError: No temporary limit is in force.
    """

    def change(_: Facts, state: State) -> Change:
        row = _temporary(state, request.key, request.session)
        assert row.reverts_to is not None
        return Change(OFFICIAL, row.reverts_to, request.reason, None)

    return _change(settings, home, request, change, None)


def _change(
    settings: Settings,
    home: Home,
    request: Request,
    change: _Changing,
    until: date | None,
) -> str:
    session, name, key = request.session, request.name, request.key
    facts = _facts_of(settings, home, session)
    someone = person(settings, name)
    if until is not None and until not in sessions_between(session, until):
        raise UserError(f"UNTIL={until} is no session on or after {session}.")

    def work(entries: list[Entry], state: State) -> str:
        holder_of(settings, state, someone)
        _check_account(facts, request.account)
        # Those who are to approve must see what they knew of, and this.
        if proposed_path(home, session).exists():
            _check_file(settings, home, state, session)
        there = state.sets.get(session, {}).get(key)
        standing = standing_of(facts, state, key)
        row = row_for(
            facts, key, change(facts, state), standing.value if standing else None,
            version=there.row.version + 1 if there else 1,
            proposed_by=name, expires=until,
        )  # fmt: skip
        row = replace(row, model_version=None).sealed()
        Ledger(home).append(
            entries, CHANGED, {"rows": [row.cells()]},
            session=f"{session}", by=someone, reason=request.reason,
        )  # fmt: skip
        lasts = f"until {until}" if until else "until changed"
        return (
            f"{name} proposes {row.limit} {amount(row.value)} for {row.account_id}, "
            f"{lasts}; somebody else approves it"
        )

    return _with_reason(home, session, request.reason, work)


def _with_reason(home: Home, session: date, reason: str, work: _Decision) -> str:
    """Do something with the ledger held, and write the set as it is then."""
    check_reason(reason)
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        said = work(entries, state)
        path = write_view(home, replay(entries, state), session)
    return f"{said} (entry {len(entries)} of the ledger, {path})"


def check_reason(reason: str) -> None:
    """Let nothing be signed without saying why.

    Raises:
        UserError: It is.
    """
    if not reason.strip() or not reason.isprintable():
        raise UserError('A change of limits needs its reason: REASON="After a breach".')


def _facts_of(settings: Settings, home: Home, session: date) -> Facts:
    facts = read_facts(settings, home)
    require_next(facts, session)
    return facts


def check_real(settings: Settings, state: State) -> None:
    """Let nobody who is synthetic have signed for a firm.

    Raises:
        UserError: Somebody has, outside of the sample.
    """
    if state.has_synthetic and settings.source_name != "sample":
        raise UserError(
            "The ledger of limits is the sample's: its second person is synthetic. A "
            "firm's begins without it: use another RISK_HOME."
        )


def require_next(facts: Facts, session: date) -> None:
    """Let nobody deal with another set than the next session's.

    Raises:
        UserError: It is.
    """
    if session != facts.session:
        raise UserError(
            f"SESSION={session} is not the next session, which is {facts.session}. "
            "`make limits` proposes its limits."
        )


def holder_of(settings: Settings, state: State, someone: Person) -> Holder:
    """Whose key somebody signs with.

    Raises:
        UserError: It is not known here, or another user's; or the ledger is no firm's.
    """
    check_real(settings, state)
    holder = state.holders.get(someone.name)
    if holder is None or holder.public_key != someone.public_key:
        raise UserError(
            f"The key of {someone.name} is not known here. `make limits-key "
            f"NAME={someone.name}` writes it into the ledger."
        )
    if holder.os_user != someone.os_user:
        raise UserError(
            f"{someone.name} is {holder.os_user}; this is {someone.os_user}. Use your "
            "own NAME."
        )
    return holder


def _check_file(settings: Settings, home: Home, state: State, session: date) -> None:
    """What a person has read must be what is proposed."""
    path = proposed_path(home, session)
    if not path.exists() or path.read_bytes() != as_csv(view(state, session)):
        raise UserError(
            f"{path} is not what was proposed: it was edited, or a command was "
            f"stopped. `{settings.as_command('limits')}` writes it anew; read it again."
        )


def _chosen(state: State, session: date, only: str | None) -> list[Decided]:
    rows = state.sets.get(session, {})
    wanted = by_comma(only or "")
    chosen = {
        key: one
        for key, one in rows.items()
        if not wanted or key[0] in wanted or ":".join(key) in wanted
    }
    for name in wanted:
        if not any(name in (key[0], ":".join(key)) for key in chosen):
            raise UserError(f"ONLY={name} is not in the set of {session}.")
    waiting = [one for one in chosen.values() if one.status == PENDING]
    if not waiting:
        by = sorted({one.row.approved_by or "" for one in chosen.values()} - {""})
        also = f": approved by {', '.join(by)}" if by else ""
        raise UserError(f"Nothing waits for a decision in the set of {session}{also}.")
    return waiting


def _check_account(facts: Facts, account: str) -> None:
    if account not in facts.traders:
        raise UserError(
            f"{account} is no account that trades for the desk: it left, or is not "
            "known. `make limits` proposes for those that do."
        )


def _check_bounds(facts: Facts, state: State, row: LimitRow) -> None:
    """The desk may have changed its bounds since; what was approved may come back."""
    before = standing_of(facts, state, row.key, before=True)
    standing_row = state.in_force(facts.session).get(row.key)
    if standing_row and standing_row[0].reverts_to == row.value:
        before = None
    check_person(row.limit, row.value, before.value if before else None, facts.bounds)


def _official(facts: Facts, state: State, key: Key) -> Decimal | None:
    """What a temporary limit goes back to."""
    found = state.in_force(facts.session).get(key)
    if found and found[0].limit_type == TEMPORARY:
        return found[0].reverts_to
    standing = standing_of(facts, state, key)
    return standing.value if standing else None


def _temporary(state: State, key: Key, session: date) -> LimitRow:
    found = state.in_force(session).get(key)
    standing = state.standing(key, session)
    if found is None or standing is None or not standing.is_temporary:
        raise UserError(f"No temporary {key[1]} of {key[0]} is in force.")
    return found[0]
