"""Commands of the live desk: run it, release a breach, acknowledge an alert."""

from typing import TYPE_CHECKING

import click

from daily.run import guarded
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import utc_now
from runtime.settings import Settings, by_comma

if TYPE_CHECKING:
    from live.alert_log import AlertLog


def add_live_commands(main: click.Group) -> None:
    """Add them to the command line."""

    @main.command("live")
    @click.option("--speed", envvar="SPEED", help="Of a simulated session, or max.")
    @click.option(
        "--until", envvar="UNTIL", type=click.Choice(["close"]), help="When to end."
    )
    @click.option(
        "--mishaps", envvar="MISHAPS", default="", help="To simulate, by comma."
    )
    def run(speed: str | None, until: str | None, mishaps: str) -> None:
        """Watch the session: fills as they come, limits, alerts, the page."""
        guarded(lambda settings: _live(settings, speed, until, mishaps))

    @main.command("release-breach")
    @click.option("--alert", envvar="ALERT", required=True, help="Its id.")
    @click.option("--name", envvar="NAME", required=True, help="Who releases it.")
    @click.option("--reason", envvar="REASON", required=True, help="Why.")
    def release_breach(alert: str, name: str, reason: str) -> None:
        """Release a breach, so that the limit is watched anew."""
        from live.alerts import release

        def act(settings: Settings) -> None:
            released = release(_log_of(settings, alert), alert, name, reason, utc_now())
            click.echo(f"Released by {released.released_by}: {released.text}")

        guarded(act)

    @main.command("acknowledge-alert")
    @click.option("--alert", envvar="ALERT", required=True, help="Its id.")
    @click.option("--name", envvar="NAME", required=True, help="Who has seen it.")
    @click.option("--reason", envvar="REASON", default="", help="What is known of it.")
    def acknowledge_alert(alert: str, name: str, reason: str) -> None:
        """Note that you have seen an alert."""
        from live.alerts import acknowledge

        def act(settings: Settings) -> None:
            log = _log_of(settings, alert)
            seen = acknowledge(log, alert, name, reason, utc_now())
            click.echo(f"Acknowledged by {seen.acknowledged_by}: {seen.text}")

        guarded(act)

    @main.command("live-login")
    @click.option("--name", envvar="NAME", required=True, help="Who logs in.")
    def live_login(name: str) -> None:
        """Let a person log in to the live page, or give them another password."""
        from live.page.logins import add_login

        def act(settings: Settings) -> None:
            path = settings.live_logins
            if path is None:
                raise UserError(
                    "LIVE_LOGINS is not set: name the file of log-ins "
                    "(make live-login NAME=ann LIVE_LOGINS=/srv/risk/logins.csv)."
                )
            password = click.prompt(
                "Password", hide_input=True, confirmation_prompt="Once more", err=True
            )
            add_login(path, name, password)
            click.echo(f"{name} may log in to the live page ({path}).")

        guarded(act)


def _live(
    settings: Settings, speed: str | None, until: str | None, mishaps: str
) -> None:
    from live.desk import DEFAULT_SPEED, run_live

    factor: float | None = DEFAULT_SPEED
    if speed == "max":
        factor = None
    elif speed:
        try:
            factor = float(speed)
        except ValueError:
            factor = 0.0
        if not 0 < factor <= 10_000:
            raise UserError(
                f"SPEED={speed} is none: write a number up to 10000, or max."
            )
    home = Home(settings.home_root)
    click.echo(
        run_live(
            settings,
            home,
            speed=factor,
            mishaps=by_comma(mishaps),
            until_close=until is not None,
        )
    )


def _log_of(settings: Settings, alert_id: str) -> "AlertLog":
    """The latest log that has the alert: a breach may be of an earlier session."""
    from live.alert_log import FILE, AlertLog

    folder = Home(settings.home_root).live
    paths = sorted(folder.glob(f"*/{FILE}"), reverse=True) if folder.is_dir() else []
    unread = ""
    for path in paths:
        log = AlertLog(path)
        if alert_id in log.alerts:
            return log
        if log.damage and not unread:
            unread = f" {path} is damaged ({log.damage})."
    raise UserError(
        f"There is no alert {alert_id[:100]!r} below {folder}. The page and the mail "
        f"name its id.{unread}"
    )
