"""Writes the board's pages: all of them, or none."""

import shutil

from reports.board.days import write_days
from reports.board.desk import write_desk
from reports.board.limits import write_limits
from reports.board.models import write_models
from reports.board.quality import write_quality
from reports.board.record import write_record
from reports.board.rows import rows
from reports.board.rules import write_rules
from reports.board.site import PAGES, Site
from reports.board.trader import write_traders
from reports.facts import read_trader_facts
from reports.render import counted
from reports.summary import read_summary
from runtime.files import swap_folders
from runtime.home import Home
from runtime.ledger import Ledger
from runtime.publish.marts_copy import open_published
from runtime.settings import Settings


def write_board(settings: Settings, home: Home) -> str:
    """Write every page and swap the folder in.

    Returns:
        A sentence for people.

    Raises:
        UserError: Nothing is published.
    """
    partial = home.root / ".board.partial"
    shutil.rmtree(partial, ignore_errors=True)
    with open_published(home) as connection:
        summary = read_summary(settings, connection)
        traders = rows(connection, "from marts.trader_status order by trader_id")
        last_day = summary["last_day"]
        facts = (
            read_trader_facts(connection, last_day["trade_date"]) if last_day else {}
        )
        site = Site(partial, home, summary, traders, facts)
        write_desk(site, connection)
        count = write_traders(site, connection)
        write_days(site, connection)
        write_record(site, connection)
        write_rules(site, connection)
        write_limits(site, connection)
        write_models(site, connection)
        write_quality(site, connection, Ledger(Home(settings.home_root)))
    swap_folders(partial, home.board)
    where = settings.board_url or home.board / "index.html"
    written = f"{counted(count, 'trader')} and {counted(len(PAGES), 'page')} more"
    return f"{written}; open {where}"
