"""From the text of a FIX message to an execution report, by a source's tags."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from live.reports import BadMessage, ExecutionReport
from live.sources.fix_settings import FixSettings

SOH = "\x01"
_EXECUTION_REPORT = "8"
_TIME = re.compile(
    r"(\d{4})(\d\d)(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?", re.ASCII
)
# Tags that hold a secret: RawData, Password, NewPassword, Signature.
_SECRETS = ("96", "554", "925", "89")


def tags_of(text: str) -> dict[str, str]:
    """Each tag of a message, the first of those that repeat."""
    found: dict[str, str] = {}
    for cell in text.split(SOH):
        tag, sign, value = cell.partition("=")
        if sign and tag not in found:
            found[tag] = value
    return found


def without_secrets(text: str) -> str:
    """A message as it may be kept: `|` between its tags, no secret among them."""
    return "|".join(
        cell.partition("=")[0] + "=***" if cell.partition("=")[0] in _SECRETS else cell
        for cell in text.split(SOH)
    )


def message_of(
    text: str, settings: FixSettings, received_at: datetime
) -> ExecutionReport | BadMessage | None:
    """What a message says; None where it is about no execution."""
    tags = tags_of(text)
    if tags.get("35") != _EXECUTION_REPORT:
        return None
    kind = settings.kinds.get(tags.get(str(settings.kind_tag), ""))
    try:
        return _report(tags, kind, settings, received_at)
    except ValueError as problem:
        return BadMessage(
            settings.name, received_at, str(problem), without_secrets(text)
        )


def _report(
    tags: Mapping[str, str],
    kind: str | None,
    settings: FixSettings,
    received_at: datetime,
) -> ExecutionReport | None:
    def cell(name: str) -> str:
        return tags.get(str(settings.tags[name]), "").strip()

    def optional(name: str) -> str | None:
        # Bytes that are no UTF-8 come as characters that no page can show.
        return cell(name).encode("utf-8", "replace").decode() or None

    def needed(name: str) -> str:
        if not cell(name):
            raise ValueError(f"tag {settings.tags[name]} ({name}) is missing")
        return cell(name)

    def number(name: str) -> Decimal:
        try:
            return Decimal(needed(name))
        except InvalidOperation:
            raise ValueError(
                f"tag {settings.tags[name]} ({name}) is no number: {cell(name)!r}"
            ) from None

    if kind is None:
        return None
    if kind == "new" and not (cell("quantity") and number("quantity")):
        # The state of an order: acknowledged, cancelled, rejected.
        return None
    side = settings.sides.get(needed("side"))
    if side is None:
        raise ValueError(f"tag {settings.tags['side']} (side) is no side that is known")
    ref = optional("ref_exec_id")
    if kind != "new" and ref is None:
        raise ValueError(
            f"tag {settings.tags['ref_exec_id']} (ref_exec_id) is missing: a {kind} of "
            "what?"
        )
    symbol = needed("symbol")
    if suffix := cell("symbol_suffix"):
        symbol = f"{symbol}.{suffix}"
    prefix = settings.prefixes.get(cell("security_type"), "")
    is_cancel = kind == "cancel"

    def number_of(name: str) -> Decimal:
        # A bust need not say how much it takes back.
        return Decimal(0) if is_cancel and not cell(name) else number(name)

    account = needed("account")
    sequence = tags.get("34", "")
    return ExecutionReport(
        source=settings.name,
        exec_id=needed("exec_id"),
        kind=kind,  # type: ignore[arg-type]
        account=settings.accounts.get(account, account),
        symbol=symbol if symbol.startswith(prefix) else prefix + symbol,
        side=side,  # type: ignore[arg-type]
        quantity=number_of("quantity"),
        price=number_of("price"),
        executed_at=_time(needed("executed_at"), settings),
        received_at=received_at,
        ref_exec_id=ref,
        trade_date=_date(cell("trade_date")),
        order_id=optional("order_id"),
        poss_dup="Y" in (tags.get("43"), tags.get("97")),
        currency=optional("currency"),
        route=optional("route"),
        liquidity=optional("liquidity"),
        sequence=int(sequence) if sequence.isascii() and sequence.isdigit() else None,
    )


def _time(text: str, settings: FixSettings) -> datetime:
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        *parts, fraction = found.groups("0")
        microsecond = int(fraction.ljust(6, "0")[:6])
        year, month, day, hour, minute, second = map(int, parts)
        at = datetime(
            year, month, day, hour, minute, second, microsecond, settings.zone
        )
    except ValueError:
        raise ValueError(
            f"tag {settings.tags['executed_at']} (executed_at) is no time: {text!r}"
        ) from None
    return at if settings.zone is UTC else at.astimezone(UTC)


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        raise ValueError(f"the trade date is no date: {text!r}") from None
