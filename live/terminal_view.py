"""What a person at the terminal sees of the live desk; in a log, a line per alert."""

import sys
import time
from datetime import date
from decimal import Decimal

import click

from live.screen import Screen, ScreenRow
from runtime.sessions import EASTERN
from runtime.terminal import table

_REDRAW_SECONDS = 1.0
_LINE_SECONDS = 60.0
_ROWS = 20
_CLEAR = "\x1b[2J\x1b[H"
_STYLES = {"green": "green", "yellow": "yellow", "red": "red"}


class TerminalView:
    """Draws the session anew each second on a terminal; else prints what is new."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._shown_at = 0.0
        self._told: set[str] = set()
        self._state: str | None = None
        self._head = ""

    def begin(
        self, session_date: date, address: str | None, *, is_synthetic: bool
    ) -> None:
        """Say what runs, and where its page is."""
        kind = "simulated session" if is_synthetic else "session"
        where = f"; page at {address}" if address else ""
        self._head = f"Live desk, {kind} {session_date}{where}. Ctrl-C stops it."
        click.echo(self._head)

    def show(self, shown: Screen) -> None:
        """Show what there is now, if it is time to."""
        now = time.monotonic()
        if self._is_terminal:
            if now - self._shown_at >= _REDRAW_SECONDS:
                self._shown_at = now
                click.echo(_CLEAR + self._head + "\n" + "\n".join(lines(shown)))
            return
        if shown.state != self._state:
            self._state = shown.state
            why = shown.reasons[0] if shown.reasons else "all is well"
            click.echo(f"{_clock(shown)} {shown.state}: {_visible(why)}")
        for alert in reversed(shown.alerts):
            if alert.alert_id not in self._told:
                self._told.add(alert.alert_id)
                click.echo(f"{_clock(shown)} {alert.severity}: {_visible(alert.text)}")
        if now - self._shown_at >= _LINE_SECONDS:
            self._shown_at = now
            click.echo(f"{_clock(shown)} {_summary(shown)}")


def lines(shown: Screen) -> list[str]:
    """The session as text: the state, the desk, who is nearest to a limit, alerts."""
    state = click.style(shown.state.upper(), fg=_STYLES[shown.state], bold=True)
    found = [f"{_clock(shown)}  {state}  {_summary(shown)}"]
    found += [f"  {_visible(reason)}" for reason in shown.reasons[:5]]
    rows = [one for one in shown.rows if one.scope_type != "account"]
    rows.sort(
        key=lambda one: (
            one.scope_type != "desk",
            -one.alert_level,
            -(one.used_share if one.used_share is not None else -1),
            one.net_pnl if one.net_pnl is not None else Decimal(0),
        )
    )
    head = ("whose", "net", "open", "drawdown", "trades", "limit", "used", "chance")
    found += ["", *table([head, *map(_cells, rows[:_ROWS])])]
    if len(rows) > _ROWS:
        found.append(f"  and {len(rows) - _ROWS} more")
    open_alerts = [one for one in shown.alerts if not one.is_over or one.is_latched]
    if open_alerts:
        found.append("")
        found += [
            f"  {one.severity:<8} {_visible(one.text)}" for one in open_alerts[:8]
        ]
    return found


def _cells(row: ScreenRow) -> tuple[str, ...]:
    used = "" if row.limit is None else "unknown"
    if row.used_share is not None:
        used = f"{row.used_share:.0%}" + (" BREACH" if row.latch else "")
    chance = row.chance.probability
    return (
        _visible(row.scope_name),
        _money(row.net_pnl),
        _money(row.open_pnl),
        _money(row.drawdown),
        str(row.trades_count),
        "" if row.limit is None else f"{row.limit_rule} {row.limit:,.0f}",
        used,
        "" if chance is None else f"{chance:.0%}",
    )


def _money(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.2f}"


def _summary(shown: Screen) -> str:
    desk = next((one for one in shown.rows if one.scope_type == "desk"), None)
    fills = shown.counts.get("booked", 0)
    net = "unknown" if desk is None else _money(desk.net_pnl)
    return f"net {net}, {fills:,} fills, {len(shown.alerts)} alerts"


def _clock(shown: Screen) -> str:
    return f"{shown.taken_at.astimezone(EASTERN):%H:%M:%S}"


def _visible(text: str) -> str:
    """Without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
