"""`make verify-limits`: whether ledger, sets and exports are what was written."""

import hashlib

from runtime.errors import UserError
from runtime.home import Home
from trading_limits.export import PLATFORMS, exported_path
from trading_limits.ledger import Ledger
from trading_limits.proposal import proposed_path, view
from trading_limits.rows import as_csv
from trading_limits.state import replay


def verify(home: Home) -> str:
    """Check the chain, every signature and rule, and the files that came of it.

    Returns:
        A sentence for people, with the hash of the last entry to compare.

    Raises:
        UserError: Something is not what was written.
    """
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        state = replay(entries)
        for session in state.sets:
            path = proposed_path(home, session)
            if path.exists() and path.read_bytes() != as_csv(view(state, session)):
                raise UserError(
                    f"{path} is not what was proposed: it was edited, or a command was "
                    "stopped. `make limits` writes it anew."
                )
        for (session, platform), body in state.exports.items():
            if platform not in PLATFORMS:
                continue
            path = exported_path(home, session, platform)
            if path.exists() and (
                hashlib.sha256(path.read_bytes()).hexdigest() != body["sha256"]
            ):
                raise UserError(
                    f"{path} is not what was exported: it was edited. Delete it; `make "
                    f"export-limits PLATFORM={platform}` writes what is approved for "
                    "the next session."
                )
    if not entries:
        return "The ledger of limits is empty: `make limits` begins it"
    return (
        f"{len(entries)} entries of the ledger of limits, "
        f"{len(state.sets)} sets and {len(state.exports)} exports are what was "
        f"written; the last hash is {entries[-1].hash}"
    )
