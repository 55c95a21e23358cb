"""`make limits-demo`: the sample desk goes through all of it, on a platform of ours.

A proposal by the rules, an approval by a second person, files, a platform that is set
over HTTP and acknowledges, a sheet that is keyed in and confirmed, then somebody who
changes a limit at the platform: a drift, which report and board have afterward.

The second person is synthetic: no user of a system, with a key beside the sample. Only
a ledger of SOURCE=sample may have one, and no command of a firm lets it sign.
"""

from dataclasses import replace
from decimal import Decimal

from pydantic import SecretStr

from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import Settings
from runtime.warehouse import require_run_context
from trading_limits.checks import compare
from trading_limits.confirm import check, confirm_as
from trading_limits.export import export, exported_path
from trading_limits.facts import read_facts
from trading_limits.keys import SYNTHETIC, Person, make_key
from trading_limits.ledger import KEY, Ledger
from trading_limits.people import decide_as
from trading_limits.proposal import propose
from trading_limits.simulated_tradovate import PASSWORD, SECRET, tradovate_server
from trading_limits.state import PENDING, READ_BACK, replay

APPROVER = "sample-desk-head"
KEYED = "sterling"
# What somebody makes of the first account's limit at the platform.
DRIFT_FACTOR = Decimal(2)


def demonstrate(settings: Settings, home: Home) -> str:
    """Go through all of it; again, it begins with what is done already.

    Returns:
        What was done, a line each.

    Raises:
        UserError: It is a firm's warehouse, or nothing is published.
    """
    if settings.source_name != "sample" or not require_run_context(home).is_sample:
        raise UserError(
            "`make limits-demo` is of the sample firm alone: its second person is "
            "synthetic. Run it with SOURCE=sample."
        )
    session = read_facts(settings, home).session
    said = [propose(settings, home).splitlines()[0]]
    someone = _approver(settings, home)
    rows = replay(Ledger(home).entries()).sets[session].values()
    if any(one.status == PENDING for one in rows):
        said.append(
            decide_as(
                settings, home, someone, session=session, only=None, approves=True,
                reason="The sample's desk head agrees",
            )
        )  # fmt: skip
    for platform in ("csv", KEYED):
        said.append(
            export(settings, home, session=session, platform=platform, shows_only=False)
        )
    said.append(
        confirm_as(
            settings, home, someone, session=session, platform=KEYED,
            reason="The sample's second pass", ask=lambda _: "",
            file=exported_path(home, session, KEYED),
        )
    )  # fmt: skip
    with tradovate_server() as tradovate:
        there = settings.model_copy(
            update={
                "tradovate_url": tradovate.url,
                "tradovate_user": "sample",
                "tradovate_password": SecretStr(PASSWORD),
                "tradovate_cid": 1,
                "tradovate_secret": SecretStr(SECRET),
            }
        )
        limits = replay(Ledger(home).entries()).in_force(session)
        tradovate.accounts = {
            account: number for number, (account, _) in enumerate(sorted(limits), 1)
        }
        said.append(
            export(there, home, session=session, platform="tradovate", shows_only=False)
        )
        changed = tradovate.limits[1]
        changed["dailyLossAutoLiq"] = float(
            Decimal(str(changed["dailyLossAutoLiq"])) * DRIFT_FACTOR
        )
        try:
            check(there, home, platform="tradovate", file=None)
        except UserError as drift:
            said.append(f"Then somebody changed one there: {drift}")
    state = replay(Ledger(home).entries())
    count = sum(one.status == READ_BACK for one in compare(state, session))
    said.append(f"{count} limits stand as approved. It is on the report and the board")
    return "\n".join(said)


def _approver(settings: Settings, home: Home) -> Person:
    """The synthetic second person, whose key is in the ledger afterward."""
    folder = home.root / "sample" / "keys"
    made = make_key(settings.model_copy(update={"limits_keys": folder}), APPROVER)
    someone = replace(made, os_user=SYNTHETIC)
    ledger = Ledger(home)
    with ledger.locked():
        entries = ledger.entries()
        if APPROVER not in replay(entries).holders:
            body = {"public_key": someone.public_key}
            ledger.append(entries, KEY, body, by=someone)
    return someone
