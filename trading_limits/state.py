"""What the entries of the ledger come to: keys, sets, and what is in force when.

Every entry is held against the rules again, so that one that was written past the
commands is found as a changed byte is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from runtime.errors import UserError
from trading_limits.keys import SYNTHETIC, is_signed
from trading_limits.ledger import (
    APPROVED,
    CHANGED,
    CHECKED,
    EXPIRED,
    EXPORTED,
    KEY,
    LEFT,
    PROPOSED,
    REJECTED,
    REVOKED,
    TRIAL,
    Entry,
    LedgerError,
)
from trading_limits.rows import TEMPORARY, LimitRow, row_of
from trading_limits.rules import Standing

PENDING, WITHDRAWN = "pending", "withdrawn"
Key = tuple[str, str]
# What is known of a limit at a platform.
NOT_SENT, SENT, ACKNOWLEDGED = "not sent", "sent", "acknowledged"
READ_BACK, DRIFTED = "read back", "drifted"
# How it was seen there: asked for, in a file that the platform gave, or by a person.
BY_ITSELF, IN_A_FILE, ON_THE_SCREEN = "read back", "file", "screen"


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
        entry_number: Of the entry that proposed it.
        decided_by, decided_at: Who approved or rejected it, and when (UTC); None while
            nobody has.
        decision: Their reason.
    """

    row: LimitRow
    status: str
    proposer_os_user: str
    is_by_person: bool
    entry_number: int
    decided_by: str | None = None
    decided_at: str | None = None
    decision: str | None = None


@dataclass(frozen=True)
class Trial:
    """Proposals of the rules that half of the traders do not get.

    Attributes:
        first: Its first session.
        look: On whose morning it is compared, once, on the sessions before.
        registered_by, reason: Who began it, and why.
    """

    first: date
    look: date
    registered_by: str
    reason: str


@dataclass
class AtPlatform:
    """What is known of one limit at one platform.

    Attributes:
        sent, sent_at, sent_entry: The value of the last file, when, and the number of
            its entry; 0 of none.
        seen, seen_at, seen_entry: What stood there when it was last looked at (None:
            nothing), and the same.
        seen_by: Who looked; None where nobody signed it.
        seen_how: `BY_ITSELF`, `IN_A_FILE` or `ON_THE_SCREEN`.
        acknowledged_entry: When the platform last said that it took it.
    """

    sent: Decimal | None = None
    sent_at: str | None = None
    sent_entry: int = 0
    seen: Decimal | None = None
    seen_at: str | None = None
    seen_entry: int = 0
    seen_by: str | None = None
    seen_how: str | None = None
    acknowledged_entry: int = 0

    def status(self, ours: Decimal) -> str:
        """How it stands against what is in force."""
        is_seen = self.seen_entry > self.sent_entry
        if is_seen and self.seen == ours:
            return READ_BACK
        if self.sent != ours:
            return NOT_SENT
        if is_seen:
            return DRIFTED
        return ACKNOWLEDGED if self.acknowledged_entry > self.sent_entry else SENT


@dataclass
class State:
    """What the entries say, in their order.

    Attributes:
        holders: By name.
        sets: By session, the latest version of each account and limit.
        history: Approved rows by account and limit, in the order of their approval.
        told: Temporary rows (by hash) whose end was told.
        exports: By session and platform, hashes of the last file.
        versions: By entry, account and limit, everything that was ever proposed.
        platforms: By platform, account and limit, what is known of it there.
        not_taken: By platform, limits that its last file could not hold.
        exporters: By session and platform, the system's user who made the last file.
        trials: Those that were registered, in order.
        entries_count: Of the ledger, so far.
        has_synthetic: Whether somebody has signed who is no user of any system: only
            the sample's ledger may say so.
    """

    holders: dict[str, Holder] = field(default_factory=dict)
    sets: dict[date, dict[Key, Decided]] = field(default_factory=dict)
    history: dict[Key, list[LimitRow]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    exports: dict[tuple[date, str], dict[str, str]] = field(default_factory=dict)
    versions: dict[tuple[int, Key], Decided] = field(default_factory=dict)
    platforms: dict[str, dict[Key, AtPlatform]] = field(default_factory=dict)
    not_taken: dict[str, frozenset[str]] = field(default_factory=dict)
    exporters: dict[tuple[date, str], str] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    entries_count: int = 0
    has_synthetic: bool = False

    def trial(self, session: date) -> Trial | None:
        """The trial that is on in a session, if there is one."""
        return next(
            (one for one in self.trials if one.first <= session < one.look), None
        )

    def put(self, session: date, decided: Decided) -> None:
        """Let this be what the set says of an account's limit."""
        self.sets.setdefault(session, {})[decided.row.key] = decided
        self.versions[decided.entry_number, decided.row.key] = decided

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


def replay(entries: Sequence[Entry], state: State | None = None) -> State:
    """The state after these entries.

    Args:
        state: What the first of them have come to, which goes on with the others; None
            begins with the first.

    Raises:
        LedgerError: An entry says what the rules do not allow.
    """
    state = state or State()
    for entry in entries[state.entries_count :]:
        try:
            _APPLY[entry.kind](state, entry)
        except (UserError, KeyError, ValueError, TypeError, AssertionError) as error:
            problem = str(error) if isinstance(error, UserError) else "says nothing"
            raise LedgerError(
                f"Entry {entry.entry_number} of the ledger of limits is not allowed: "
                f"{problem.rstrip('.')}. Nothing is approved or exported until the "
                "file is put back from a backup."
            ) from None
    state.entries_count = len(entries)
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
    state.has_synthetic = state.has_synthetic or holder.os_user == SYNTHETIC
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
        state.put(
            session, Decided(row, PENDING, entry.os_user, False, entry.entry_number)
        )
    # What the rules no longer propose, and nobody has decided, is taken back.
    for account, limit in entry.body["withdrawn"]:
        if not _is_open_to_rules(rows[account, limit]):
            raise UserError(f"{limit} of {account} is a person's by now")
        gone = replace(rows.pop((account, limit)), status=WITHDRAWN)
        state.versions[gone.entry_number, gone.row.key] = gone


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
    state.put(session, Decided(row, PENDING, entry.os_user, True, entry.entry_number))


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
    platform = entry.body["platform"]
    state.exports[_session(entry), platform] = entry.body
    state.exporters[_session(entry), platform] = entry.os_user
    state.not_taken[platform] = frozenset(entry.body.get("not_taken", ()))
    there = state.platforms.setdefault(platform, {})
    # A ledger of before has no values: it is not known what was sent.
    for account, limit, value in entry.body.get("limits", ()):
        one = there.setdefault((account, limit), AtPlatform())
        one.sent, one.sent_at = Decimal(value), entry.recorded_at
        one.sent_entry = entry.entry_number


def _checked(state: State, entry: Entry) -> None:
    platform, how = entry.body["platform"], entry.body["how"]
    if how == ON_THE_SCREEN:
        check_second_pass(state, _session(entry), platform, check_signer(state, entry))
        _check_reason(entry)
    there = state.platforms.setdefault(platform, {})
    for account, limit in entry.body["acknowledged"]:
        one = there.setdefault((account, limit), AtPlatform())
        one.acknowledged_entry = entry.entry_number
    for account, limit, value in entry.body["found"]:
        one = there.setdefault((account, limit), AtPlatform())
        one.seen = None if value is None else Decimal(value)
        one.seen_at, one.seen_entry = entry.recorded_at, entry.entry_number
        one.seen_by, one.seen_how = entry.name, how


def _trial(state: State, entry: Entry) -> None:
    holder = check_signer(state, entry)
    _check_reason(entry)
    first, look = _session(entry), date.fromisoformat(entry.body["look"])
    check_trial(state, first, look)
    state.trials.append(Trial(first, look, holder.name, str(entry.reason)))


def check_trial(state: State, first: date, look: date) -> None:
    """Let no trial begin while another is on.

    Raises:
        UserError: One is, or the look is before the beginning.
    """
    if look <= first:
        raise UserError("a trial is looked at after it begins")
    for one in state.trials:
        if first < one.look:
            raise UserError(
                f"a trial is on since {one.first}, until it is looked at on {one.look}"
            )


def check_second_pass(
    state: State, session: date, platform: str, holder: Holder
) -> None:
    """Let nobody confirm a sheet that they made themselves.

    Raises:
        UserError: They did, or there is no sheet.
    """
    exporter = state.exporters.get((session, platform))
    if exporter is None:
        raise UserError(f"nothing was exported for {platform} and {session}")
    if exporter == holder.os_user:
        raise UserError(
            f"{holder.name} ({holder.os_user}) exported the sheet for {platform} and "
            "cannot confirm it: somebody else must"
        )


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
    CHECKED: _checked,
    TRIAL: _trial,
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
    session = _session(entry)
    rows = state.sets.get(session, {})
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
        decided = replace(
            decided, row=row, status=status, decided_by=entry.name,
            decided_at=entry.recorded_at, decision=entry.reason,
        )  # fmt: skip
        state.put(session, decided)
        found.append(decided)
    return found


def _check_previous(state: State, row: LimitRow) -> None:
    """Where a limit was approved, that is what was in force."""
    standing = state.standing(row.key, row.effective_session)
    if standing is not None and row.previous_value != standing.value:
        raise UserError(f"the limit of {row.account_id} was not {row.previous_value}")


def _check_reason(entry: Entry) -> None:
    if not (entry.reason or "").strip():
        raise UserError("it has no reason")
