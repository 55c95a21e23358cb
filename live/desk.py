"""The live desk in the foreground: sources, session, watch, page, until it is stopped.

It runs beside the morning and never takes its lock: it reads the published copy and
the desk's files, and writes below `RISK_HOME/live/` and into the outbox alone.
"""

import json
import logging
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as day_time
from pathlib import Path

import click

from live.alert_log import FILE, AlertLog, past_alerts
from live.alerts import carry_latches
from live.baselines import (
    Baselines,
    kept_baselines,
    no_baselines,
    read_baselines,
    write_baselines,
)
from live.chance import Chances
from live.delivery import Delivery
from live.last_night import read_opening, session_at
from live.limits_file import LimitsFile
from live.opening import Opening
from live.screen import KeptRows, Screen, as_json, screen, symbol_rows
from live.session import STATE, Session
from live.sources import Source
from live.terminal_view import TerminalView
from live.watch import Watch
from runtime.errors import UserError
from runtime.files import write_atomic
from runtime.home import Home
from runtime.publish.marts_copy import open_published, published_home
from runtime.sessions import EASTERN, next_session, utc_now
from runtime.settings import Settings

BASELINES = "baselines.npz"
# A simulated session of six and a half hours is over in five minutes.
DEFAULT_SPEED = 80.0
_TICK_SECONDS = 1.0
_STATE_SECONDS = 60.0
_REFRESH_SECONDS = 15.0
# After it nobody trades shares: `UNTIL=close` ends.
_ENDS_AT = day_time(20)
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Feed:
    """What a session listens to.

    Attributes:
        clock: Now, as the sources' day has it.
    """

    session_date: date
    sources: tuple[Source, ...]
    clock: Callable[[], datetime]
    is_synthetic: bool


def run_live(
    settings: Settings,
    home: Home,
    *,
    speed: float | None = DEFAULT_SPEED,
    mishaps: Sequence[str] = (),
    until_close: bool = False,
) -> str:
    """Watch one session after the other, until stopped; a sentence for people.

    Args:
        speed: Of a simulated session: seconds that pass in one; None: all at once.
        mishaps: Of a simulated session, as `sources.simulator.MISHAPS`.
        until_close: End when the session is over.

    Raises:
        UserError: A source, a port or a file of the desk is wrong.
    """
    while True:
        feed = _feed(settings, home, speed, mishaps)
        told, is_stopped = _run_session(settings, home, feed, until_close=until_close)
        if is_stopped or until_close or feed.is_synthetic:
            return told
        click.echo(told)


def _feed(
    settings: Settings, home: Home, speed: float | None, mishaps: Sequence[str]
) -> Feed:
    kind = settings.live_source or _kind(settings, home)
    if kind == "simulator":
        return _simulated(settings, home, speed, mishaps)
    session_date = session_at(utc_now())
    folder = home.live / str(session_date)
    sources: tuple[Source, ...]
    if kind == "fix":
        from live.sources.fix import FixSource
        from live.sources.fix_settings import read_fix_sources

        sources = tuple(
            FixSource(one, folder / "fix" / one.name)
            for one in read_fix_sources(settings, home)
        )
        if not sources:
            raise UserError(
                f"{settings.desk or home.desk}/fix_sources.csv names no drop copy. "
                "Write it (docs/live.md), or set LIVE_SOURCE to folder or propreports."
            )
    elif kind == "folder":
        from live.sources.folder import FolderSource

        if settings.live_folder is None:
            raise UserError("LIVE_SOURCE=folder needs LIVE_FOLDER=<a folder of CSVs>.")
        sources = (FolderSource("folder", settings.live_folder.expanduser()),)
    else:
        from live.sources.propreports import PropReportsSource, connection

        if settings.propreports_url is None:
            raise UserError(
                "LIVE_SOURCE=propreports needs PROPREPORTS_URL and a log-in."
            )
        sources = (
            PropReportsSource(
                connection(settings), session_date, settings.api_group_id
            ),
        )
    return Feed(session_date, sources, utc_now, is_synthetic=False)


def _kind(settings: Settings, home: Home) -> str:
    if settings.source_name == "sample":
        return "simulator"
    if settings.live_folder is not None:
        return "folder"
    if ((settings.desk or home.desk) / "fix_sources.csv").exists():
        return "fix"
    if settings.propreports_url is not None:
        return "propreports"
    raise UserError(
        "No live source is set up. Write fix_sources.csv, or set LIVE_FOLDER or "
        "PROPREPORTS_URL (docs/live.md); SOURCE=sample shows a simulated session."
    )


def _simulated(
    settings: Settings, home: Home, speed: float | None, mishaps: Sequence[str]
) -> Feed:
    from live.sources.simulator import MISHAPS, SimulatorSource, sample_session

    unknown = sorted(set(mishaps).difference(MISHAPS))
    if unknown:
        raise UserError(
            f"MISHAPS knows {', '.join(MISHAPS)}, not {', '.join(unknown)}."
        )
    if settings.source_name != "sample":
        raise UserError(
            "LIVE_SOURCE=simulator needs SOURCE=sample: it plays that firm."
        )
    with open_published(published_home(settings, home)) as connection:
        ((as_of,),) = connection.execute(
            "select as_of_date from marts.published_at"
        ).fetchall()
    session_date = next_session(as_of)
    folder = home.live / str(session_date)
    if _is_finished(folder / STATE):
        # Played to its end: another play begins anew. Nothing of it is real.
        shutil.rmtree(folder)
    _, fills = sample_session(session_date, settings.sample_seed)
    source = SimulatorSource(
        fills, folder / "fix", speed=speed, mishaps=mishaps, seed=settings.sample_seed
    )
    return Feed(session_date, (source,), source.now, is_synthetic=True)


def _is_finished(path: Path) -> bool:
    try:
        return bool(json.loads(path.read_bytes())["is_finished"])
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _run_session(
    settings: Settings, home: Home, feed: Feed, *, until_close: bool
) -> tuple[str, bool]:
    """One session; a sentence, and whether a person has stopped it."""
    folder = home.live / str(feed.session_date)
    folder.mkdir(parents=True, exist_ok=True)
    opening = read_opening(settings, home, feed.session_date)
    copy = published_home(settings, home)
    baselines = _baselines(copy, folder, feed.session_date)
    view = TerminalView()
    with ExitStack() as held:
        session = held.enter_context(Session(folder, opening, feed.sources, feed.clock))
        log = AlertLog(folder / FILE)
        past, past_problem = past_alerts(home.live, feed.session_date)
        carry_latches(log, past)
        delivery = Delivery(log, settings, home, is_synthetic=feed.is_synthetic)
        chances = Chances(baselines, _loss_limits(opening))
        # Seconds of a large desk's start, which nobody should wait for.
        threading.Thread(target=chances.run_test, daemon=True, name="chance").start()
        watch = Watch(
            session, opening.limits, baselines, chances,
            delivery=delivery, log=log, past_problem=past_problem,
        )  # fmt: skip
        limits = LimitsFile(settings, home, feed.session_date)
        address = _page(held, session, watch, settings)
        delivery.address = address
        watch.start()
        view.begin(feed.session_date, address, is_synthetic=feed.is_synthetic)
        is_stopped, is_finished = False, False
        try:
            is_finished = _follow(
                settings, home, feed, session, watch, limits, opening, view,
                until_close=until_close,
            )  # fmt: skip
        except KeyboardInterrupt:
            is_stopped = True
        watch.stop()
        shown = _write_state(session, watch, is_finished=is_finished)
    fills = shown.counts.get("booked", 0)
    raised = len(shown.alerts)
    how = "stopped" if is_stopped else "over"
    return (
        f"Session {feed.session_date} {how}: {fills:,} fills, {raised} alerts; {folder}"
    ), is_stopped


def _follow(
    settings: Settings,
    home: Home,
    feed: Feed,
    session: Session,
    watch: Watch,
    limits: LimitsFile,
    opening: Opening,
    view: TerminalView,
    *,
    until_close: bool,
) -> bool:
    """Show the session until it is over; whether it is."""
    state_at = refresh_at = time.monotonic()
    ends_at = datetime.combine(feed.session_date, _ENDS_AT, EASTERN)
    rows = KeptRows()
    while True:
        time.sleep(_TICK_SECONDS)
        snapshot = session.snapshot(oldest=_TICK_SECONDS)
        view.show(screen(snapshot, watch, rows))
        now = time.monotonic()
        if now - state_at >= _STATE_SECONDS:
            state_at = now
            _write_state(session, watch, is_finished=False)
        if limits.has_changed():
            watch.set_limits(*limits.read())
        if now - refresh_at >= _REFRESH_SECONDS:
            refresh_at = now
            opening = _reopened(settings, home, feed, session, watch, opening)
        if snapshot.sources and all(one.is_finished for one in snapshot.sources):
            if until_close:
                return True
        elif not feed.is_synthetic:
            if until_close and snapshot.taken_at >= ends_at:
                return True
            if session_at(snapshot.taken_at) != feed.session_date:
                return True


def _reopened(
    settings: Settings,
    home: Home,
    feed: Feed,
    session: Session,
    watch: Watch,
    opening: Opening,
) -> Opening:
    """Begin the day anew with a copy published meanwhile, if the first was old."""
    if not opening.state.is_stale:
        return opening
    try:
        found = read_opening(settings, home, feed.session_date)
    except UserError:
        # A file of the desk is wrong: the morning says so, and the day continues.
        return opening
    before = opening.state.positions_date or date.min
    if (found.state.positions_date or date.min) <= before:
        return opening
    session.reopen(found)
    watch.set_limits(found.limits, None)
    return found


def _baselines(copy: Home, folder: Path, session_date: date) -> Baselines:
    """Those that the session began with, else of the published copy."""
    kept = kept_baselines(folder / BASELINES)
    if kept is not None:
        return kept
    try:
        with open_published(copy) as connection:
            found = read_baselines(connection, session_date)
    except UserError:
        # What the opening says of it is shown.
        return no_baselines()
    try:
        write_baselines(folder / BASELINES, found)
    except OSError:
        _logger.warning("the baselines cannot be kept: the disk is full")
    return found


def _loss_limits(opening: Opening) -> dict[str, float]:
    return {
        one.scope_name: float(one.limit_value)
        for one in opening.limits
        if one.scope_type == "trader"
        and one.rule == "daily_loss"
        and one.limit_value > 0
    }


def _page(
    held: ExitStack, session: Session, watch: Watch, settings: Settings
) -> str | None:
    """Serve the page; its address."""
    try:
        from live.page import serve
    except ModuleNotFoundError:
        return None
    return held.enter_context(serve(session, watch, settings)).address


def _write_state(session: Session, watch: Watch, *, is_finished: bool) -> Screen:
    """Keep the figures of now, and return them; a full disk is a flag of its own."""
    path, snapshot = session.folder / STATE, session.snapshot(is_whole=True)
    shown = screen(snapshot, watch)
    symbols = symbol_rows(session.symbol_figures(), snapshot)
    told = as_json(shown, symbols) | {"is_finished": is_finished}
    try:
        write_atomic(path, json.dumps(told, indent=1).encode() + b"\n")
    except OSError:
        _logger.warning("%s cannot be written", path)
    return shown
