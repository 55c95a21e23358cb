"""`make check-limits` and `make confirm-limits`: what stands at a platform.

A platform that can be asked is read; of the others somebody gives a file of what is in
force there, or, of those whose limits are keyed in, a second person says what stands on
the screen. Equal is confirmed, anything else a drift, named by account.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from runtime.errors import UserError
from runtime.files import read_regular
from runtime.home import Home
from runtime.settings import Settings
from trading_limits.checks import (
    Comparison,
    compare,
    drifted,
    limits_in_force,
    not_sent,
    record_check,
)
from trading_limits.export import PLATFORMS, wanted
from trading_limits.facts import read_facts
from trading_limits.keys import Person, person
from trading_limits.ledger import Entry, Ledger
from trading_limits.people import check_reason, holder_of, require_next
from trading_limits.platforms import Found
from trading_limits.platforms.sheet import SHEETS
from trading_limits.platforms.tables import cell
from trading_limits.state import (
    BY_ITSELF,
    IN_A_FILE,
    ON_THE_SCREEN,
    READ_BACK,
    State,
    check_second_pass,
    replay,
)

Ask = Callable[[str], str]
"""Asks a person one thing, and returns what they type."""


def check(settings: Settings, home: Home, *, platform: str, file: Path | None) -> str:
    """Hold what a platform has against what is in force in the next session.

    Args:
        file: What is in force there, as the platform gives it or as somebody looked it
            up; None where the platform can be asked.

    Raises:
        UserError: It does not answer, the file is none of its own, or something there
            differs; that was written to the ledger before.
    """
    form = PLATFORMS[platform]
    if platform in SHEETS:
        raise UserError(
            f"{platform} is keyed in: somebody else confirms it with `make "
            f"confirm-limits PLATFORM={platform}`."
        )
    if file is None and form.read is None:
        raise UserError(
            f"{platform} cannot be asked: FILE= names a file of what is in force there."
        )
    facts = read_facts(settings, home)
    session = facts.session
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        limits = limits_in_force(state, session)
        if not limits:
            raise UserError(f"No approved limit is in force on {session}.")
        if file is not None:
            found, how = _of_ours(form.parse(_content(file)), state, session, platform)
        else:
            assert form.read is not None
            asked = form.write(wanted(facts, state, session, platform, limits))
            found, how = form.read(settings, asked.content), BY_ITSELF
        record_check(ledger, entries, session, platform, how, found)
        return _said(replay(entries, state), session, platform, len(entries))


def confirm(
    settings: Settings,
    home: Home,
    *,
    session: date,
    platform: str,
    name: str,
    reason: str,
    file: Path | None,
    ask: Ask,
) -> str:
    """Confirm what was keyed in, by somebody else than who exported the sheet.

    Args:
        name: Who looks at the screen, and signs.
        file: What stands there, with the sheet's columns; None: it is typed.
        ask: Asks for one cell; what is approved is not shown.

    Raises:
        UserError: They exported the sheet, or something there differs; that was written
            to the ledger before.
    """
    someone = person(settings, name)
    return confirm_as(
        settings, home, someone, session=session, platform=platform, reason=reason,
        file=file, ask=ask,
    )  # fmt: skip


def confirm_as(
    settings: Settings,
    home: Home,
    someone: Person,
    *,
    session: date,
    platform: str,
    reason: str,
    file: Path | None,
    ask: Ask,
) -> str:
    """`confirm`, as somebody whose key was read."""
    if platform not in SHEETS:
        raise UserError(
            f"{platform} is not keyed in: `make check-limits PLATFORM={platform}`."
        )
    check_reason(reason)
    facts = read_facts(settings, home)
    require_next(facts, session)
    ledger = Ledger(home)

    def checked(entries: list[Entry]) -> State:
        state = replay(entries)
        check_second_pass(state, session, platform, holder_of(settings, state, someone))
        return state

    # Nobody else waits while a person types.
    state = checked(ledger.entries())
    content = None if file is None else _content(file)
    if content is None:
        found = _typed(compare(state, session, [platform]), platform, ask)
    else:
        found, _ = _of_ours(
            PLATFORMS[platform].parse(content), state, session, platform
        )
    with ledger.locked():
        entries = ledger.entries()
        state = checked(entries)
        record_check(
            ledger, entries, session, platform, ON_THE_SCREEN, found, by=someone,
            reason=reason,
        )  # fmt: skip
        return _said(replay(entries, state), session, platform, len(entries))


def _typed(limits: Sequence[Comparison], platform: str, ask: Ask) -> Found:
    columns = SHEETS[platform].columns
    return {
        (one.account_id, one.limit): cell(
            ask(f"{one.account_id}, {columns[one.limit]}"),
            one.account_id,
            columns[one.limit],
        )
        for one in limits
    }


def _of_ours(
    there: Found, state: State, session: date, platform: str
) -> tuple[Found, str]:
    """Of what stands there, that which the desk sets; what is not there is nothing."""
    ours = [(one.account_id, one.limit) for one in compare(state, session, [platform])]
    return {key: there.get(key) for key in ours}, IN_A_FILE


def _content(file: Path) -> bytes:
    try:
        return read_regular(file)
    except OSError as error:
        raise UserError(f"FILE={file} cannot be read: {error.strerror}.") from None


def _said(state: State, session: date, platform: str, entry: int) -> str:
    """What was found, once it is in the ledger.

    Raises:
        UserError: Something differs.
    """
    found = compare(state, session, [platform])
    if wrong := drifted(found):
        raise UserError(
            f"{len(wrong)} of {len(found)} limits at {platform} drifted: "
            f"{'; '.join(map(str, wrong))} (entry {entry} of the ledger). Set them "
            f"there again (`make export-limits PLATFORM={platform}`), or amend ours."
        )
    confirmed = [one for one in found if one.status == READ_BACK]
    behind = len(not_sent(found))
    more = f"; {behind} were not exported as they are now" if behind else ""
    return (
        f"{len(confirmed)} of {len(found)} limits stand at {platform} as approved "
        f"(entry {entry} of the ledger){more}"
    )
