"""Commands of limits for trading platforms: proposed, approved, exported, verified."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from daily.run import guarded
from runtime.errors import UserError
from runtime.home import Home
from runtime.settings import PlatformName, Settings

if TYPE_CHECKING:
    from trading_limits.people import Request

_DATE = click.DateTime(["%Y-%m-%d"])
_Options = Callable[[Callable[..., None]], Callable[..., None]]


def _option(
    name: str, says: str, kind: Any = str, *, required: bool = True
) -> _Options:
    return click.option(
        f"--{name}", name, envvar=name.upper(), type=kind, required=required, help=says
    )


_SESSION = _option("session", "The next session, YYYY-MM-DD.", _DATE)
_NAME = _option("name", "Who you are, as make limits-key made your key.")
_REASON = _option("reason", "Why, in words.")
_ACCOUNT = _option("account", "Whose limit.")
_LIMIT = _option("limit", "Which: max_loss, max_gross, ... (docs/trading_limits.md).")
_PLATFORM = _option("platform", "Whose format.", click.Choice(get_args(PlatformName)))
_FILE = _option(
    "file",
    "What is in force there.",
    click.Path(dir_okay=False, path_type=Path),
    required=False,
)


def _change(command: Callable[..., None]) -> Callable[..., None]:
    """The options of everything that proposes another way with one limit."""
    for option in (_LIMIT, _ACCOUNT, _REASON, _NAME, _SESSION):
        command = option(command)
    return command


def add_limit_commands(main: click.Group, home_of: Callable[[Settings], Home]) -> None:
    """Add them to the command line.

    Args:
        home_of: The home whose published copy is of AS_OF.
    """

    def said(action: Callable[[Settings, Home], str]) -> None:
        guarded(lambda settings: click.echo(action(settings, home_of(settings))))

    @main.command("limits")
    def limits() -> None:
        """Propose the next session's limits of every account, with the evidence."""
        from trading_limits.proposal import propose

        said(propose)

    @main.command("limits-key")
    @_NAME
    @_option("revoke", "Whose key is to sign nothing more.", required=False)
    @_option("reason", "Why it is revoked.", required=False)
    def limits_key(name: str, revoke: str | None, reason: str | None) -> None:
        """Make your key for approvals, and register it; or revoke one."""
        from trading_limits.people import register_key, revoke_key

        if revoke is None:
            said(lambda settings, home: register_key(settings, home, name))
            return
        said(
            lambda settings, home: revoke_key(
                settings, home, name=name, revoked=revoke, reason=reason or ""
            )
        )

    def add_decision(command: str, says: str, *, approves: bool) -> None:
        @main.command(command, help=says)
        @_SESSION
        @_NAME
        @_REASON
        @_option("only", "Accounts, or account:limit, by comma.", required=False)
        def decision(
            session: datetime, name: str, reason: str, only: str | None
        ) -> None:
            from trading_limits.people import decide

            said(
                lambda settings, home: decide(
                    settings, home, session=session.date(), name=name, reason=reason,
                    only=only, approves=approves,
                )
            )  # fmt: skip

    add_decision(
        "approve-limits",
        "Approve what somebody else proposed: all of it, or ONLY=.",
        approves=True,
    )
    add_decision(
        "reject-limits", "Reject what is proposed: all of it, or ONLY=.", approves=False
    )

    @main.command("amend-limits")
    @_change
    @_option("value", "What it is to be.")
    @_option("until", "Last session of a temporary one.", _DATE, required=False)
    def amend_limits(value: str, until: datetime | None, **request: Any) -> None:
        """Propose another value of a limit, also a looser one."""
        from trading_limits.people import amend

        said(
            lambda settings, home: amend(
                settings, home, _request(request), value=_amount(value),
                until=_date(until),
            )
        )  # fmt: skip

    @main.command("extend-limits")
    @_change
    @_option("until", "Its new last session.", _DATE)
    def extend_limits(until: datetime, **request: Any) -> None:
        """Propose that a temporary limit lasts longer."""
        from trading_limits.people import extend

        said(
            lambda settings, home: extend(
                settings, home, _request(request), until=until.date()
            )
        )

    @main.command("revert-limits")
    @_change
    def revert_limits(**request: Any) -> None:
        """Propose that a temporary limit ends now."""
        from trading_limits.people import revert

        said(lambda settings, home: revert(settings, home, _request(request)))

    @main.command("export-limits")
    @_SESSION
    @_PLATFORM
    @click.option(
        "--dry-run", envvar="DRY_RUN", is_flag=True, help="Show it, write nothing."
    )
    def export_limits(session: datetime, platform: str, *, dry_run: bool) -> None:
        """Write what is approved as a trading platform takes it."""
        from trading_limits.export import export

        said(
            lambda settings, home: export(
                settings, home, session=session.date(), platform=platform,
                shows_only=dry_run,
            )
        )  # fmt: skip

    @main.command("limits-trial")
    @_NAME
    @_REASON
    @_option("look", "Session of the one look at it.", _DATE)
    def limits_trial(name: str, reason: str, look: datetime) -> None:
        """Withhold the rules' proposals from half of the traders; compare once."""
        from trading_limits.trial import register

        said(
            lambda settings, home: register(
                settings, home, name=name, reason=reason, look=look.date()
            )
        )

    @main.command("check-limits")
    @_PLATFORM
    @_FILE
    def check_limits(platform: str, file: Path | None) -> None:
        """Hold what a platform has against what is approved; a drift is an error."""
        from trading_limits.confirm import check

        said(lambda settings, home: check(settings, home, platform=platform, file=file))

    @main.command("confirm-limits")
    @_SESSION
    @_PLATFORM
    @_NAME
    @_REASON
    @_FILE
    def confirm_limits(
        session: datetime, platform: str, name: str, reason: str, file: Path | None
    ) -> None:
        """Confirm what another keyed in: type what stands there, or FILE=."""
        from trading_limits.confirm import confirm

        said(
            lambda settings, home: confirm(
                settings, home, session=session.date(), platform=platform, name=name,
                reason=reason, file=file,
                ask=lambda what: click.prompt(what, default="", show_default=False),
            )
        )  # fmt: skip

    @main.command("verify-limits")
    def verify_limits() -> None:
        """Check the ledger of limits, its sets and what was exported."""
        from trading_limits.verify import verify

        said(lambda _, home: verify(home))


def _request(values: dict[str, Any]) -> "Request":
    from trading_limits.people import Request

    return Request(**values | {"session": values["session"].date()})


def _amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0 or value != round(value, 2):
        raise UserError(f"VALUE={text} is not an amount above 0, such as 1500.")
    return value


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
