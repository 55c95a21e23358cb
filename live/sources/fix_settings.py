"""`fix_sources.csv` of the desk: where drop copies come from, and what their tags mean.

One line a setting: `source,setting,value,note`. What it does not say is as FIX has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingestion.desk_files import DeskFile, DeskFileError, read_desk_file
from runtime.home import Home
from runtime.settings import Settings

BEGIN_STRINGS = ("FIX.4.2", "FIX.4.4")
TAGS = {
    "exec_id": 17, "ref_exec_id": 19, "account": 1, "symbol": 55, "symbol_suffix": 65,
    "security_type": 167, "side": 54, "quantity": 32, "price": 31, "executed_at": 60,
    "trade_date": 75, "order_id": 37, "currency": 15, "route": 30, "liquidity": 851,
}  # fmt: skip
SIDES = {"1": "B", "2": "S", "5": "T", "6": "T"}
# What a report is, by the tag that says it: ExecTransType of 4.2, ExecType of 4.4.
KINDS = {
    20: {"0": "new", "1": "cancel", "2": "correct"},
    150: {"F": "new", "H": "cancel", "G": "correct"},
}
_KIND_TAG = {"FIX.4.2": 20, "FIX.4.4": 150}
_NEEDED = ("host", "port", "sender_comp_id", "target_comp_id", "begin_string")
_OPTIONAL = (
    "user", "password_variable", "heartbeat_seconds", "reset_on_logon", "kind_tag",
    "time_zone",
)  # fmt: skip
# Settings of a name: tag.account, account.A1, side.5, prefix.OPT, kind.C.
_NAMED = ("tag", "account", "side", "prefix", "kind")


def _name(cell: str) -> str:
    if not cell:
        raise ValueError("is empty")
    return cell


def _setting(cell: str) -> str:
    kind, _, name = cell.partition(".")
    if cell in (*_NEEDED, *_OPTIONAL):
        return cell
    if kind not in _NAMED or not name or (kind == "tag" and name not in TAGS):
        raise ValueError(
            f"is no setting; it is one of {', '.join((*_NEEDED, *_OPTIONAL))}, "
            f"tag.<{'|'.join(TAGS)}>, account.<theirs>, side.<code>, prefix.<type> "
            "or kind.<code>"
        )
    return cell


def _text(cell: str) -> str:
    return cell


FIX_SOURCES = DeskFile(
    "fix_sources",
    {"source": _name, "setting": _setting, "value": _name, "note": _text},
    ("source", "setting"),
    is_taken_whole=True,
)


@dataclass(frozen=True)
class FixSettings:
    """One drop copy.

    Attributes:
        password_variable: The environment variable that holds the password.
        kind_tag: The tag that says whether a report is a fill, a bust or a correction.
        tags: Where each field is found.
        kinds: What the values of `kind_tag` mean; others are no executions.
        sides: B, S, T or C by the code on the wire.
        accounts: Ids of accounts that go by another name on the wire.
        prefixes: The sign before a symbol, by SecurityType (OPT: +, FUT: #).
        zone: Of the times; FIX says UTC.
    """

    name: str
    host: str
    port: int
    sender_comp_id: str
    target_comp_id: str
    begin_string: str
    user: str | None = None
    password_variable: str | None = None
    heartbeat_seconds: int = 30
    reset_on_logon: bool = False
    kind_tag: int = 150
    tags: Mapping[str, int] = field(default_factory=lambda: TAGS)
    kinds: Mapping[str, str] = field(default_factory=lambda: KINDS[150])
    sides: Mapping[str, str] = field(default_factory=lambda: SIDES)
    accounts: Mapping[str, str] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC


def read_fix_sources(settings: Settings, home: Home) -> list[FixSettings]:
    """Every drop copy of `fix_sources.csv`; none where there is no such file.

    Raises:
        DeskFileError: A line is wrong, or a source lacks a setting.
    """
    content = read_desk_file(FIX_SOURCES, settings, home)
    found: dict[str, dict[str, str]] = {}
    for _, (source, setting, value, _) in content.lines if content else ():
        assert source and setting and value, "checked as it was read"
        found.setdefault(source, {})[setting] = value
    return [
        _settings_of(name, lines, content.path if content else Path())
        for name, lines in found.items()
    ]


def _settings_of(name: str, lines: Mapping[str, str], path: Path) -> FixSettings:
    def refuse(problem: str) -> DeskFileError:
        return DeskFileError(f"{path}, source {name}: {problem}. Fix it.")

    missing = [one for one in _NEEDED if one not in lines]
    if missing:
        raise refuse(f"it lacks {', '.join(missing)}")
    begin_string = lines["begin_string"]
    if begin_string not in BEGIN_STRINGS:
        raise refuse(f"begin_string is not one of {', '.join(BEGIN_STRINGS)}")

    def number(setting: str, default: int) -> int:
        text = lines.get(setting, str(default))
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 100_000):
            raise refuse(f"{setting} is no whole number above 0: {text!r}")
        return int(text)

    def named(kind: str) -> dict[str, str]:
        begin = f"{kind}."
        return {
            setting.removeprefix(begin): value
            for setting, value in lines.items()
            if setting.startswith(begin)
        }

    kind_tag = number("kind_tag", _KIND_TAG[begin_string])
    kinds = {**KINDS.get(kind_tag, {}), **named("kind")}
    sides = {**SIDES, **named("side")}
    if unknown := set(kinds.values()) - {"new", "cancel", "correct"}:
        raise refuse(f"kind is new, cancel or correct, not {', '.join(unknown)}")
    if unknown := set(sides.values()) - set("BSTC"):
        raise refuse(f"side is B, S, T or C, not {', '.join(unknown)}")
    try:
        zone = ZoneInfo(lines.get("time_zone", "UTC"))
    except (ZoneInfoNotFoundError, ValueError):
        raise refuse("time_zone is no zone such as America/New_York") from None
    if lines.get("reset_on_logon", "false") not in ("true", "false"):
        raise refuse("reset_on_logon is neither true nor false")
    return FixSettings(
        name=name,
        host=lines["host"],
        port=number("port", 0),
        sender_comp_id=lines["sender_comp_id"],
        target_comp_id=lines["target_comp_id"],
        begin_string=begin_string,
        user=lines.get("user"),
        password_variable=lines.get("password_variable"),
        heartbeat_seconds=number("heartbeat_seconds", 30),
        reset_on_logon=lines.get("reset_on_logon") == "true",
        kind_tag=kind_tag,
        tags={field: number(f"tag.{field}", tag) for field, tag in TAGS.items()},
        kinds=kinds,
        sides=sides,
        accounts=named("account"),
        prefixes=named("prefix"),
        zone=zone,
    )
