"""Writes the board's pages: all of them, or none."""

import hashlib
import json
import os
import shutil
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

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
from runtime.files import have_sizes, swap_folders
from runtime.home import Home
from runtime.ledger import Ledger
from runtime.publish.marts_copy import open_published
from runtime.settings import PROJECT_ROOT, Settings
from runtime.unchanged import code_fingerprint, unchanged_since
from runtime.versions import code_digest

# In the board's folder: of what it was written, and all its files.
MANIFEST = "manifest.json"
# The one page that tells of the runs themselves, and so of each.
_DATA_PAGE = "data.html"


def write_board(settings: Settings, home: Home) -> str:
    """Write every page and swap the folder in; where nothing is new, the runs alone.

    Returns:
        A sentence for people.

    Raises:
        UserError: Nothing is published.
    """
    partial = home.root / ".board.partial"
    shutil.rmtree(partial, ignore_errors=True)
    where = settings.board_url or home.board / "index.html"
    with open_published(home) as connection:
        site = _site(settings, home, partial, connection)
        write_quality(site, connection, Ledger(Home(settings.home_root)))
        made_of = _made_of(site, connection)
        if (written_at := _written_at(home.board, made_of)) is not None:
            os.replace(partial / _DATA_PAGE, home.board / _DATA_PAGE)
            partial.rmdir()
            return f"{unchanged_since(written_at)} but the runs; open {where}"
        site.write_assets()
        write_desk(site, connection)
        count = write_traders(site, connection)
        write_days(site, connection)
        write_record(site, connection)
        write_rules(site, connection)
        write_limits(site, connection)
        write_models(site, connection)
    manifest = {
        "made_of": made_of,
        "written_at": site.written_at.isoformat(),
        "files": {
            path.relative_to(partial).as_posix(): path.stat().st_size
            for path in sorted(partial.rglob("*"))
            if path.is_file() and path.name != _DATA_PAGE
        },
    }
    site.write_text(MANIFEST, json.dumps(manifest, indent=1))
    swap_folders(partial, home.board)
    written = f"{counted(count, 'trader')} and {counted(len(PAGES), 'page')} more"
    return f"{written}; open {where}"


def _site(
    settings: Settings,
    home: Home,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
) -> Site:
    summary = read_summary(settings, connection)
    traders = rows(connection, "from marts.trader_status order by trader_id")
    last_day = summary["last_day"]
    facts = read_trader_facts(connection, last_day["trade_date"]) if last_day else {}
    return Site(folder, home, summary, traders, facts)


def _made_of(site: Site, connection: duckdb.DuckDBPyConnection) -> str:
    """Names all that the pages are written of, but the runs."""
    copy = connection.execute("from published_at").fetchall()
    # With what it says of today: that the data is stale, or the morning past.
    told = json.dumps(site.summary, default=str)
    parts = _code(), str(copy), told, *map(str, site.links.values())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def _code() -> str:
    files = (
        path
        for path in sorted((PROJECT_ROOT / "reports").rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    )
    return code_fingerprint() + code_digest(files, "jinja2", "plotly", "itables")


def _written_at(board: Path, made_of: str) -> datetime | None:
    """When a board of the same was written, each file of its size still; else None."""
    try:
        manifest = json.loads((board / MANIFEST).read_text("utf-8"))
        is_whole = manifest["made_of"] == made_of and have_sizes(
            board, manifest["files"]
        )
        return datetime.fromisoformat(manifest["written_at"]) if is_whole else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # There is none, it is of before, or somebody has been at it.
        return None
