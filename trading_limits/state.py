"""What the entries of the ledger come to: keys, sets, and what is in force when.

Every entry is held against the rules again, so that one that was written past the
commands is found as a changed byte is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from runtime.errors import UserError
from trading_limits.keys import is_signed
from trading_limits.ledger import (
    APPROVED,
    CHANGED,
    EXPIRED,
    EXPORTED,
    KEY,
    LEFT,
    PROPOSED,
    REJECTED,
    REVOKED,
    Entry,
    LedgerError,
)
from trading_limits.rows import TEMPORARY, LimitRow, row_of
from trading_limits.rules import Standing

PENDING = "pending"
Key = tuple[str, str]


@dataclass(frozen=True)
class Holder:
    """Who has a key."""

    name: str
    os_user: str
    public_key: str


@dataclass(frozen=True)
class Decided:
    """A row of a set, whether it is pending, approved or rejected, and who proposed it.

    Attributes:
        is_by_person: Whether a person did, and signed it.
    """

    row: LimitRow
    status: str
    proposer_os_user: str
    is_by_person: bool


@dataclass
class State:
    """What the entries say, in their order.

    Attributes:
        holders: By name.
        sets: By session, the latest version of each account and limit.
        history: Approved rows by account and limit, in the order of their approval.
        told: Temporary rows (by hash) whose end was told.
        exports: By session and platform, hashes of the last file.
    """

    holders: dict[str, Holder] = field(default_factory=dict)
    sets: dict[date, dict[Key, Decided]] = field(default_factory=dict)
    history: dict[Key, list[LimitRow]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    exports: dict[tuple[date, str], dict[str, str]] = field(default_factory=dict)

    def standing(
        self, key: Key, session: date, *, before: bool = False
    ) -> Standing | None:
        """The approved limit that is in force in a session.

        Args:
            before: As it was before anything was approved for that very session.
        """
        for row in reversed(self.history.get(key, [])):
            if row.effective_session > session or (
                before and row.effective_session == session
            ):
                continue
            if row.expires_session is None or session <= row.expires_session:
                is_temporary = row.limit_type == TEMPORARY
                return Standing(row.value, row.effective_session, is_temporary)
            # It reverts by itself; what was official then is what it says.
            assert row.reverts_to is not None
            return Standing(row.reverts_to, row.effective_session)
        return None

    def in_force(self, session: date) -> dict[Key, tuple[LimitRow, Decimal]]:
        """By account and limit the last approved row, and what it comes to then."""
        found = {}
        for key, rows in self.history.items():
            standing = self.standing(key, session)
            if standing is not None:
                row = [one for one in rows if one.effective_session <= session][-1]
                found[key] = row, standing.value
        return found

    def ended(self, session: date) -> list[LimitRow]:
        """Temporary rows that are over, have nothing after them, and were not told."""
        return [
            rows[-1]
            for rows in self.history.values()
            if rows
            and rows[-1].expires_session is not None
            and rows[-1].expires_session < session
            and rows[-1].content_sha256 not in self.told
        ]


def replay(entries: Iterable[Entry]) -> State:
    """The state after these entries.

    Raises:
        LedgerError: An entry says what the rules do not allow.
    """
    state = State()
    for entry in entries:
        try:
            _APPLY[entry.kind](state, entry)
        except (UserError, KeyError, ValueError, TypeError, AssertionError) as error:
            problem = str(error) if isinstance(error, UserError) else "says nothing"
            raise LedgerError(
                f"Entry {entry.entry_number} of the ledger of limits is not allowed: "
                f"{problem.rstrip('.')}. Nothing is approved or exported until the "
                "file is put back from a backup."
            ) from None
    return state


def check_signer(state: State, entry: Entry) -> Holder:
    """Who signed an entry.

    Raises:
        UserError: Nobody whose key is known, or another user of the system.
    """
    holder = state.holders.get(entry.name or "")
    if holder is None:
        raise UserError(f"the key of {entry.name} is unknown")
    if entry.os_user != holder.os_user:
        raise UserError(f"{entry.name} is {holder.os_user}, not {entry.os_user}")
    if not is_signed(holder.public_key, entry.signature or "", entry.hash):
        raise UserError(f"it is not signed by {entry.name}'s key")
    return holder


def check_two_people(decided: Decided, holder: Holder) -> None:
    """Let nobody approve what they proposed.

    Raises:
        UserError: They did.
    """
    row = decided.row
    if holder.name == row.proposed_by or holder.os_user == decided.proposer_os_user:
        raise UserError(
            f"{holder.name} ({holder.os_user}) proposed the limit of {row.account_id} "
            "and cannot approve it: somebody else must"
        )


def _key(state: State, entry: Entry) -> None:
    holder = Holder(str(entry.name), entry.os_user, entry.body["public_key"])
    check_new_holder(state, holder)
    state.holders[holder.name] = holder
    check_signer(state, entry)


def _revoked(state: State, entry: Entry) -> None:
    check_signer(state, entry)
    _check_reason(entry)
    del state.holders[entry.body["name"]]


def check_new_holder(state: State, new: Holder) -> None:
    """One name, one user of the system, one key.

    Raises:
        UserError: Another has one of them.
    """
    for holder in state.holders.values():
        if holder.name == new.name:
            raise UserError(f"{new.name} has a key already")
        if holder.os_user == new.os_user:
            raise UserError(f"{new.os_user} has a key already, as {holder.name}")
        if holder.public_key == new.public_key:
            raise UserError(f"the key of {new.name} is {holder.name}'s")


def _proposed(state: State, entry: Entry) -> None:
    session = date.fromisoformat(str(entry.session))
    rows = state.sets.setdefault(session, {})
    for row in _rows(entry):
        if row.is_loosening:
            raise UserError(f"the rules loosen the limit of {row.account_id}")
        if row.key in rows and not _is_open_to_rules(rows[row.key]):
            raise UserError(f"{row.limit} of {row.account_id} is a person's by now")
        _check_previous(state, row)
        rows[row.key] = Decided(row, PENDING, entry.os_user, False)
    # What the rules no longer propose, and nobody has decided, is taken back.
    for account, limit in entry.body["withdrawn"]:
        if not _is_open_to_rules(rows[account, limit]):
            raise UserError(f"{limit} of {account} is a person's by now")
        del rows[account, limit]


def _is_open_to_rules(decided: Decided) -> bool:
    return decided.status == PENDING and not decided.is_by_person


def _changed(state: State, entry: Entry) -> None:
    check_signer(state, entry)
    _check_reason(entry)
    (row,) = _rows(entry)
    if row.proposed_by != entry.name:
        raise UserError(f"{row.proposed_by} did not propose it")
    _check_previous(state, row)
    session = date.fromisoformat(str(entry.session))
    decided = Decided(row, PENDING, entry.os_user, True)
    state.sets.setdefault(session, {})[row.key] = decided


def _approved(state: State, entry: Entry) -> None:
    holder = check_signer(state, entry)
    _check_reason(entry)
    for decided in _decide(state, entry, APPROVED):
        check_two_people(decided, holder)
        row = decided.row
        # Somebody may have approved another since it was proposed.
        _check_previous(state, row)
        state.history.setdefault(row.key, []).append(row)


def _rejected(state: State, entry: Entry) -> None:
    check_signer(state, entry)
    _check_reason(entry)
    _decide(state, entry, REJECTED)


def _expired(state: State, entry: Entry) -> None:
    over = {row.content_sha256 for row in state.ended(_session(entry))}
    if not over.issuperset(entry.body["rows"]):
        raise UserError("a limit is said to be over that is not")
    state.told.update(entry.body["rows"])


def _left(state: State, entry: Entry) -> None:
    for key in [one for one in state.history if one[0] in entry.body["accounts"]]:
        del state.history[key]


def _exported(state: State, entry: Entry) -> None:
    state.exports[_session(entry), entry.body["platform"]] = entry.body


_APPLY = {
    KEY: _key,
    REVOKED: _revoked,
    PROPOSED: _proposed,
    CHANGED: _changed,
    APPROVED: _approved,
    REJECTED: _rejected,
    EXPIRED: _expired,
    LEFT: _left,
    EXPORTED: _exported,
}


def _session(entry: Entry) -> date:
    return date.fromisoformat(str(entry.session))


def _rows(entry: Entry) -> list[LimitRow]:
    rows = [row_of(cells) for cells in entry.body["rows"]]
    for row in rows:
        if row.limit_set_id != entry.session:
            raise UserError(f"the limit of {row.account_id} is of another set")
        if (row.limit_type == TEMPORARY) != (row.expires_session is not None) or (
            row.limit_type == TEMPORARY and row.reverts_to is None
        ):
            raise UserError(f"the limit of {row.account_id} does not say how it ends")
    return rows


def _decide(state: State, entry: Entry, status: str) -> list[Decided]:
    rows = state.sets.get(_session(entry), {})
    found = []
    for account, limit, content in entry.body["rows"]:
        decided = rows.get((account, limit))
        if (
            decided is None
            or decided.status != PENDING
            or decided.row.content_sha256 != content
        ):
            raise UserError(f"{limit} of {account} does not wait for a decision")
        row = decided.row
        if status == APPROVED:
            row = replace(row, approved_by=entry.name, approved_at=entry.recorded_at)
        rows[account, limit] = replace(decided, row=row, status=status)
        found.append(rows[account, limit])
    return found


def _check_previous(state: State, row: LimitRow) -> None:
    """Where a limit was approved, that is what was in force."""
    standing = state.standing(row.key, row.effective_session)
    if standing is not None and row.previous_value != standing.value:
        raise UserError(f"the limit of {row.account_id} was not {row.previous_value}")


def _check_reason(entry: Entry) -> None:
    if not (entry.reason or "").strip():
        raise UserError("it has no reason")
