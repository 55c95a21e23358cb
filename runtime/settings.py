"""Settings from `.env` and the environment, checked before anything runs."""

import os
import re
from datetime import date, time
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime.errors import UserError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

# Of every base amount: the same as base_currency of dbt_project.yml, as a test holds.
BASE_CURRENCY = "USD"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ENV_FILE = "RISK_ENV_FILE"
"""Names another file than `.env`; empty for none."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s?(MB|GB|MiB|GiB)")
_BYTES = {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}
PolicyName = Literal["watch", "fixed", "adaptive", "cost_aware", "rules", "limit_risk"]
SourceName = Literal["api", "files", "sample"]
# Whom limits are exported to; `trading_limits.export` has how.
PlatformName = Literal[
    "csv", "json", "tt", "ibkr", "tradovate", "fix", "das", "sterling"
]
LiveSourceName = Literal["fix", "folder", "propreports", "simulator"]
AnySettings = TypeVar("AnySettings", bound="MailSettings")


def is_address(text: str) -> bool:
    """Whether a text looks like a mail address that every server takes."""
    return re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", text) is not None


def by_comma(text: str) -> tuple[str, ...]:
    """What a setting or option lists; spaces and empty parts do not count."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class MailSettings(BaseSettings):
    """What it takes to send a mail and to let it wait: an alert needs no more."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A refused value may be a password: messages name the setting, never the value.
        hide_input_in_errors=True,
    )

    risk_home: Path | None = Field(
        None, description="Folder for everything a run writes; default var/<source>"
    )
    smtp_url: str = Field(
        "smtp://smtp.gmail.com:587",
        description="smtp:// (STARTTLS) or smtps:// server that sends the report",
    )
    email_from: str | None = Field(
        None, description="Sender; also the login of the mail server"
    )
    email_password: SecretStr | None = Field(
        None, description="Password of the mail server (Gmail: an app password)"
    )
    email_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Recipients, separated by commas"
    )
    alert_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who gets alerts, separated by commas; default: EMAIL_TO"
    )

    @field_validator("email_to", "alert_to", mode="before")
    @classmethod
    def _split_recipients(cls, value: object) -> object:
        return by_comma(value) if isinstance(value, str) else value

    @field_validator("email_to", "alert_to")
    @classmethod
    def _check_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(map(is_address, value)):
            raise ValueError("must be addresses such as name@example.com, by comma")
        return value

    @field_validator("email_from")
    @classmethod
    def _check_sender(cls, value: str | None) -> str | None:
        if value is not None and not is_address(value):
            raise ValueError("must be an address such as name@example.com")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: str) -> str:
        parts = urlsplit(value)
        is_complete = parts.hostname and (parts.port is None or parts.port > 0)
        if parts.scheme not in ("smtp", "smtps") or not is_complete:
            raise ValueError("must look like smtp://host:587 or smtps://host:465")
        return value

    @field_validator("risk_home")
    @classmethod
    def _check_risk_home(cls, value: Path | None) -> Path | None:
        # DuckDB takes what follows a question mark for options.
        if any(sign in "'=%?" or not sign.isprintable() for sign in str(value)):
            raise ValueError("must not contain an apostrophe, =, %, ? or a line break")
        return value

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        mail = {
            "EMAIL_FROM": self.email_from,
            "EMAIL_PASSWORD": self.email_password,
            "EMAIL_TO": self.email_to,
        }
        absent = [name for name, value in mail.items() if not value]
        if 0 < len(absent) < len(mail):
            raise ValueError(
                f"to send mail {' and '.join(absent)} must be set too "
                "(or none of EMAIL_FROM, EMAIL_PASSWORD, EMAIL_TO)"
            )
        return self

    @property
    def sends_mail(self) -> bool:
        """Whether a mail server and recipients are configured."""
        return self.email_from is not None

    @property
    def sender(self) -> str:
        """Who mails are from; empty where `sends_mail` is false."""
        return self.email_from or ""

    @property
    def password(self) -> str:
        """Of the mail server; empty where `sends_mail` is false."""
        return self.email_password.get_secret_value() if self.email_password else ""

    @property
    def alert_recipients(self) -> tuple[str, ...]:
        """Who gets alerts."""
        return self.alert_to or self.email_to


class Settings(MailSettings):
    """Every setting of the project; the description is the line in `.env.example`."""

    source: SourceName | None = Field(
        None,
        description="api, files or sample; left out: what the other settings are for",
    )
    exports: Path | None = Field(
        None, description="Folder of PropReports CSV exports, for SOURCE=files"
    )
    as_of: date | None = Field(
        None, description="Run as of the morning of this date (YYYY-MM-DD)"
    )
    publish_past: bool = Field(
        False, description="Also mail the report of a run whose AS_OF lies in the past"
    )
    firm: str | None = Field(
        None, description="Name of the firm; default: the host, or the exports folder"
    )
    desk: Path | None = Field(
        None, description="Folder of the desk's own files; default RISK_HOME/desk"
    )
    limits_keys: Path | None = Field(
        None,
        description="Folder of one's own keys, for make approve-limits; default "
        "~/.config/risk-warehouse",
    )
    limits_platforms: Annotated[tuple[PlatformName, ...], NoDecode] = Field(
        (),
        description="Platforms that are kept at the approved limits, by comma; "
        "default: all that were exported to",
    )
    sample_seed: int = Field(7, description="Seed of the synthetic sample firm")

    propreports_url: str | None = Field(
        None, description="Address of the firm: https://<firm>.propreports.com/api.php"
    )
    api_token: SecretStr | None = Field(
        None, description="A PropReports token, instead of user and password"
    )
    api_user: str | None = Field(None, description="PropReports user id or e-mail")
    api_password: SecretStr | None = Field(None, description="PropReports password")
    api_group_id: int = Field(
        -2, description="PropReports group whose accounts are loaded; -2 is all"
    )
    history_start: date | None = Field(
        None, description="First date to load; default: the first day anybody traded"
    )
    reload_days: int = Field(
        7,
        ge=0,
        le=3650,
        description="Days re-read each morning, for late and corrected fills",
    )

    gate: Literal["stop", "warn"] = Field(
        "stop",
        description="What a critical check of newly loaded fills does: stop or warn",
    )

    policy: PolicyName | None = Field(
        None,
        description="Who advises position sizes: watch (the usual size), fixed, "
        "adaptive, cost_aware, rules, limit_risk; empty: what is proven, else watch",
    )
    trial_policy: PolicyName | None = Field(
        None, description="A second policy, tried on half of the traders or days"
    )
    trial_unit: Literal["trader", "day"] = Field(
        "trader", description="What a trial assigns: each trader, or each day"
    )
    model_version: str | None = Field(
        None, description="Score with this saved model instead of today's"
    )

    tradovate_url: str | None = Field(
        None,
        description="Address of Tradovate's API: https://live.tradovateapi.com/v1",
    )
    tradovate_user: str | None = Field(None, description="User of Tradovate's API")
    tradovate_password: SecretStr | None = Field(
        None, description="Password of that user"
    )
    tradovate_cid: int | None = Field(
        None, description="Number of the API key at Tradovate"
    )
    tradovate_secret: SecretStr | None = Field(
        None, description="Secret of the API key at Tradovate"
    )

    limits_fix_address: str | None = Field(
        None,
        description="Host and port of a platform's FIX session for limits: host:9876",
    )
    limits_fix_sender: str | None = Field(
        None, description="SenderCompID of that session: us"
    )
    limits_fix_target: str | None = Field(
        None, description="TargetCompID of that session: the platform"
    )
    limits_fix_user: str | None = Field(
        None, description="Username of its log-on, where the platform wants one"
    )
    limits_fix_password: SecretStr | None = Field(
        None, description="Password of its log-on; the address must be this machine's"
    )

    trader_emails: Path | None = Field(
        None,
        description="CSV of trader_id,email: each trader gets their own page by mail",
    )
    board_url: str | None = Field(
        None, description="Where the desk reaches the board, for links in mails"
    )

    live_source: LiveSourceName | None = Field(
        None,
        description="Where live fills come from: fix, folder, propreports, simulator; "
        "left out: simulator for SOURCE=sample, else what is set up",
    )
    live_folder: Path | None = Field(
        None, description="Folder of CSV files that grow, for LIVE_SOURCE=folder"
    )
    live_webhook_url: SecretStr | None = Field(
        None, description="Where the live desk posts alerts: https://…"
    )
    live_webhook_secret: SecretStr | None = Field(
        None, description="Signs what is posted there (X-Risk-Signature, HMAC-SHA256)"
    )
    live_webhook_format: Literal["json", "slack"] = Field(
        "json", description="What is posted there: json, or slack (also Mattermost)"
    )
    live_host: str = Field(
        "127.0.0.1",
        description="Address that the live desk's page is bound to; another than this "
        "machine's own needs a log-in and a certificate",
    )
    live_port: int = Field(
        8321, ge=1, le=65535, description="Port of the live desk's page"
    )
    live_logins: Path | None = Field(
        None,
        description="File of who may log in to the page; make live-login writes it",
    )
    live_certificate: Path | None = Field(
        None, description="Certificate of the page (PEM), with those that signed it"
    )
    live_certificate_key: Path | None = Field(
        None, description="Private key of that certificate (PEM)"
    )
    live_url: str | None = Field(
        None,
        description="Where browsers reach the page, if not at LIVE_HOST: https:// and "
        "the name of the certificate or of a proxy on this machine",
    )

    run_at: time = Field(
        time(5), description="When the morning's run is to begin (HH:MM, Eastern)"
    )
    due_at: time = Field(
        time(8), description="By when it must be done, for make watchdog"
    )

    threads: int = Field(2, ge=1, description="Processor cores to use")
    memory_limit: str = Field(
        "4GB",
        description="Memory the warehouse may use before it spills to disk",
    )

    @field_validator("as_of", "history_start")
    @classmethod
    def _check_dates(cls, value: date | None) -> date | None:
        if value and value.year < 1990:
            raise ValueError("lies before 1990")
        return value

    @field_validator("run_at", "due_at")
    @classmethod
    def _check_hours(cls, value: time) -> time:
        if value.tzinfo or value.second or value.microsecond:
            raise ValueError("must be HH:MM, in Eastern time")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _check_memory(cls, value: str) -> str:
        size = _SIZE.fullmatch(value)
        if not size or not float(size[1]):
            raise ValueError("must be a size such as 4GB or 800MB")
        return value

    @field_validator("propreports_url", "tradovate_url")
    @classmethod
    def _check_propreports_url(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "https://")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("must begin with https://, for a password goes there")
        if parts.username:
            raise ValueError("must not hold a name or password: they are settings")
        return value

    @field_validator("limits_platforms", mode="before")
    @classmethod
    def _split_platforms(cls, value: object) -> object:
        return by_comma(value) if isinstance(value, str) else value

    @field_validator("limits_fix_address")
    @classmethod
    def _check_fix_address(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[^\s:/]+:[1-9]\d{0,4}", value, re.ASCII):
            raise ValueError("must look like host:9876")
        return value

    @field_validator("live_webhook_url")
    @classmethod
    def _check_webhook(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value() if value else "https://x")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must begin with https://")
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("must begin with https://, for P&L goes there")
        return value

    @field_validator("live_host")
    @classmethod
    def _check_live_host(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9A-Za-z.:-]{1,253}", value):
            raise ValueError("must be a name or an address, without a port")
        return value

    @field_validator("live_url")
    @classmethod
    def _check_live_url(cls, value: str | None) -> str | None:
        parts = urlsplit((value or "https://x").rstrip("/"))
        if parts.scheme != "https" or not parts.netloc or "@" in parts.netloc:
            raise ValueError("must look like https://desk.example.com")
        if parts.path or parts.query or parts.fragment:
            raise ValueError("must be without a path: https://desk.example.com")
        return value and value.rstrip("/").lower()

    @field_validator("board_url")
    @classmethod
    def _check_board_url(cls, value: str | None) -> str | None:
        if value and urlsplit(value).scheme not in ("http", "https"):
            raise ValueError("must begin with http:// or https://")
        return value and value.rstrip("/")

    @model_validator(mode="after")
    def _check_groups(self) -> Self:
        if self.source_name == "api":
            if self.propreports_url is None:
                raise ValueError(
                    "SOURCE=api needs PROPREPORTS_URL="
                    "https://<firm>.propreports.com/api.php"
                )
            if not (self.api_token or (self.api_user and self.api_password)):
                raise ValueError(
                    "SOURCE=api needs API_TOKEN, or API_USER and API_PASSWORD"
                )
        if (self.live_certificate is None) != (self.live_certificate_key is None):
            raise ValueError(
                "LIVE_CERTIFICATE and LIVE_CERTIFICATE_KEY must be set together"
            )
        if self.trial_policy is not None and self.policy is None:
            raise ValueError("TRIAL_POLICY needs a POLICY to be tried against")
        if self.trial_policy is not None and self.trial_policy == self.policy:
            raise ValueError("TRIAL_POLICY must be another policy than POLICY")
        return self

    @property
    def source_name(self) -> SourceName:
        """The source in use; without a word on it, what the other settings are for."""
        if self.source:
            return self.source
        if self.exports:
            return "files"
        wants_api = self.propreports_url or self.api_token or self.api_user
        return "api" if wants_api else "sample"

    @property
    def memory_bytes(self) -> int:
        """What `memory_limit` stands for."""
        size = _SIZE.fullmatch(self.memory_limit)
        assert size is not None, "checked as it was read"
        return int(float(size[1]) * _BYTES[size[2]])

    def as_command(self, target: str) -> str:
        """`make` with what was set to get here, for people to type."""
        chosen = {
            "SOURCE": self.source_name if self.source or self.exports else None,
            "EXPORTS": self.exports,
            "RISK_HOME": self.risk_home,
            "DESK": self.desk,
            "AS_OF": self.as_of,
        }
        return " ".join(
            [
                "make",
                target,
                *(f"{name}={quote(str(v))}" for name, v in chosen.items() if v),
            ]
        )

    @property
    def home_root(self) -> Path:
        """Absolute path of `RISK_HOME`.

        Raises:
            UserError: It is beneath the home of nobody, or a link that leads to itself.
        """
        home = self.risk_home or PROJECT_ROOT / "var" / self.source_name
        try:
            return home.expanduser().resolve()
        except RuntimeError as error:
            raise UserError(
                f"RISK_HOME={home} is no place: {error}. Set RISK_HOME to another "
                "folder."
            ) from None


def env_file() -> Path | None:
    """Where settings are read from beside the environment; None for nowhere."""
    name = os.environ.get(ENV_FILE, str(PROJECT_ROOT / ".env"))
    return Path(name) if name else None


def load_settings() -> Settings:
    """Read and check all settings.

    Raises:
        UserError: A setting is missing or malformed; names it and how to set it.
    """
    return _load(Settings)


def load_mail_settings() -> MailSettings:
    """Read and check those of mail alone: whatever else is wrong may be alerted.

    Raises:
        UserError: One of them is missing or malformed.
    """
    return _load(MailSettings)


def _load(kind: type[AnySettings]) -> AnySettings:
    try:
        # A keyword of pydantic-settings, which its types leave out.
        return kind(_env_file=env_file())  # type: ignore[call-arg]
    except ValidationError as error:
        problems = "; ".join(_one_problem(item) for item in error.errors())
        raise UserError(
            f"Settings: {problems}. Fix it in .env or on the command line "
            "(.env.example explains every setting)."
        ) from None


def _one_problem(item: ErrorDetails) -> str:
    message = item["msg"].removeprefix("Value error, ")
    if not item["loc"]:
        return message
    name = str(item["loc"][0]).upper()
    if item["type"].startswith("date"):
        return f"{name} is not a date, write {name}=YYYY-MM-DD"
    if item["type"].startswith("time"):
        return f"{name} is not a time, write {name}=HH:MM"
    return f"{name}: {message[0].lower()}{message[1:]}"
