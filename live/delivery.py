"""Sends alerts, each once: by mail through the outbox, and to a webhook.

What is raised together goes out together. Which alerts are in a message is in the log
before it is sent, so that a process that is killed and started again sends the very
same message: the outbox knows a mail by its name, and a webhook's receiver by the
header `Idempotency-Key`.
"""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

import requests
import tenacity

from live.alert_log import MAIL, WEBHOOK, Alert, AlertLog
from live.alerts import scope_said
from reports.mail import Mail
from reports.outbox import UnwritableError, post, send_now
from runtime.errors import UserError
from runtime.home import Home
from runtime.sessions import utc_now
from runtime.settings import Settings

_logger = logging.getLogger(__name__)
RETRY_SECONDS = 60.0
_PACE_SECONDS = 1.0
_ANSWER_SECONDS = 10
_TRY_SECONDS = 45
_MOST_LISTED = 30


class Delivery:
    """Sends what the log holds and nobody has got, from a thread of its own.

    Args:
        is_synthetic: A simulated session: every message says so.
        retry_seconds: How long after a failure it is tried again.

    Attributes:
        address: Of the page, for messages; None where there is none.
        problems: By channel, why it does not take messages; empty where all is well.
    """

    def __init__(
        self,
        log: AlertLog,
        settings: Settings,
        home: Home,
        *,
        is_synthetic: bool,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self.problems: dict[str, str] = {}
        self.address: str | None = None
        self._log = log
        self._settings = settings
        self._home = home
        self._is_synthetic = is_synthetic
        self._retry_seconds = retry_seconds
        self._failed_at: dict[str, float] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="alerts")
        self.channels = tuple(
            channel
            for channel, is_set in (
                (MAIL, settings.sends_mail),
                (WEBHOOK, settings.live_webhook_url is not None),
            )
            if is_set
        )

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Send what is left, once, and end; what then waits goes at the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._failed_at.clear()
        self.send()

    def send(self) -> None:
        """Send everything that is due now."""
        if not self.channels:
            return
        alerts = list(self._log.alerts.values())
        fresh = [one for one in alerts if one.batch is None]
        if fresh:
            self._log.append(
                [
                    {
                        "event": "batched",
                        "at": utc_now().isoformat(),
                        "batch": fresh[0].alert_id,
                        "alert_ids": [one.alert_id for one in fresh],
                    }
                ]
            )
        batches: dict[str, list[Alert]] = {}
        for one in alerts:
            if one.batch is not None:
                batches.setdefault(one.batch, []).append(one)
        for channel in self.channels:
            failed = self._failed_at.get(channel)
            if failed is not None and time.monotonic() < failed + self._retry_seconds:
                continue
            for batch, members in batches.items():
                if channel not in members[0].sent and not self._sent(
                    channel, batch, members
                ):
                    break

    def _run(self) -> None:
        while not self._stopping.wait(_PACE_SECONDS):
            try:
                self.send()
            except Exception as error:
                # What cannot be sent now must not be the last that is.
                _logger.exception("alerts cannot be sent")
                self.problems["alerts"] = f"Alerts cannot be sent: {error}"
            else:
                self.problems.pop("alerts", None)

    def _sent(self, channel: str, batch: str, alerts: Sequence[Alert]) -> bool:
        try:
            if channel == MAIL:
                self._mail(batch, alerts)
            else:
                self._post(batch, alerts)
        except (UserError, OSError) as error:
            self.problems[channel] = str(error)
            self._failed_at[channel] = time.monotonic()
            return False
        self.problems.pop(channel, None)
        self._failed_at.pop(channel, None)
        self._log.append(
            [
                {
                    "event": "sent",
                    "at": utc_now().isoformat(),
                    "channel": channel,
                    "alert_ids": [one.alert_id for one in alerts],
                }
            ]
        )
        return True

    def _mail(self, batch: str, alerts: Sequence[Alert]) -> None:
        shown = worth_telling(alerts)
        mail = Mail(
            name=f"live-{batch}",
            to=self._settings.alert_recipients,
            subject=self._marked(subject_of(shown)),
            text=self._text(shown),
        )
        try:
            post(self._settings, self._home, mail)
        except UnwritableError:
            # A full disk is what it may be about.
            send_now(self._settings, mail, "the live desk tries again")

    def _marked(self, text: str) -> str:
        return f"SIMULATED: {text}" if self._is_synthetic else text

    def _text(self, alerts: Sequence[Alert]) -> str:
        lines = [one.text for one in alerts[:_MOST_LISTED]]
        if len(alerts) > _MOST_LISTED:
            lines.append(f"… and {len(alerts) - _MOST_LISTED} more.")
        told = "\n\n".join(lines)
        begin = "This is a simulated session.\n\n" if self._is_synthetic else ""
        seen = ""
        if self.address:
            seen = f"The live desk, with the case of each: {self.address}\n\n"
        breaches = "".join(
            f"  make release-breach ALERT={one.alert_id} NAME= REASON=\n"
            for one in alerts[:_MOST_LISTED]
            if one.is_latched
        )
        if breaches:
            breaches = f"A breach holds until a person releases it:\n\n{breaches}\n"
        return (
            f"{begin}{told}\n\n{seen}{breaches}"
            "Nothing is done to a position or a limit by itself. Another limit is "
            "proposed with `make amend-limits`, and approved by a second person.\n"
        )

    # ------------------------------------------------------------------- the webhook

    def _post(self, batch: str, alerts: Sequence[Alert]) -> None:
        """Hand a message to the webhook, asking again for a while.

        Raises:
            UserError: It did not take it. The address is not named: it may be a secret.
        """
        body = json.dumps(self._payload(batch, worth_telling(alerts))).encode()
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_delay(_TRY_SECONDS)
            | tenacity.stop_when_event_set(self._stopping),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=15),
            retry=tenacity.retry_if_exception_type(_BusyError),
            sleep=tenacity.sleep_using_event(self._stopping),
            reraise=True,
        )
        retrying(self._post_once, batch, body)

    def _post_once(self, batch: str, body: bytes) -> None:
        address = self._settings.live_webhook_url
        assert address is not None, "the channel is there"
        headers = {"Content-Type": "application/json", "Idempotency-Key": batch}
        secret = self._settings.live_webhook_secret
        if secret is not None:
            stamp = str(int(time.time()))
            headers["X-Risk-Timestamp"] = stamp
            headers["X-Risk-Signature"] = signature(
                secret.get_secret_value(), stamp, body
            )
        try:
            answer = requests.post(
                address.get_secret_value(),
                data=body,
                headers=headers,
                timeout=_ANSWER_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _BusyError(
                f"The webhook does not answer ({type(error).__name__}). Check "
                "LIVE_WEBHOOK_URL; it is tried again."
            ) from None
        if answer.status_code in (408, 425, 429) or answer.status_code >= 500:
            raise _BusyError(
                f"The webhook answers {answer.status_code}; it is tried again."
            )
        if not 200 <= answer.status_code < 300:
            raise UserError(
                f"The webhook refuses alerts (code {answer.status_code}). Check "
                "LIVE_WEBHOOK_URL, LIVE_WEBHOOK_FORMAT and LIVE_WEBHOOK_SECRET."
            )

    def _payload(self, batch: str, alerts: Sequence[Alert]) -> dict[str, Any]:
        if self._settings.live_webhook_format == "slack":
            lines = [
                f"{_SIGNS[one.severity]} {_slack(one.text)}"
                for one in alerts[:_MOST_LISTED]
            ]
            if len(alerts) > _MOST_LISTED:
                lines.append(f"… and {len(alerts) - _MOST_LISTED} more.")
            return {"text": self._marked("\n".join(lines))}
        return {
            "batch": batch,
            "firm": self._settings.firm,
            "is_synthetic": self._is_synthetic,
            "address": self.address,
            "alerts": [
                {
                    "alert_id": one.alert_id,
                    "kind": one.kind,
                    "severity": one.severity,
                    "level": one.level,
                    "scope_type": one.scope and one.scope[0],
                    "scope_name": one.scope and one.scope[1],
                    "rule": one.rule,
                    "text": one.text,
                    "raised_at": one.raised_at.isoformat(),
                }
                for one in alerts
            ],
        }


class _BusyError(UserError):
    """Another try may go through."""


_SIGNS = {
    "info": ":small_blue_diamond:",
    "warning": ":warning:",
    "critical": ":red_circle:",
}


def signature(secret: str, stamp: str, body: bytes) -> str:
    """What proves to a receiver who sent a message, and when.

    `sha256=` and the HMAC of the header `X-Risk-Timestamp`, a dot, and the body.
    """
    made = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={made.hexdigest()}"


def worth_telling(alerts: Sequence[Alert]) -> list[Alert]:
    """Without lower levels of a limit that are in the same message; worst first."""
    highest: dict[tuple, int] = {}
    for one in alerts:
        if one.kind == "limit":
            limit = one.scope, one.rule
            highest[limit] = max(highest.get(limit, 0), one.level)
    kept = [
        one
        for one in alerts
        if one.kind != "limit" or one.level == highest[one.scope, one.rule]
    ]
    order = ("critical", "warning", "info")
    return sorted(kept, key=lambda one: order.index(one.severity))


def subject_of(alerts: Sequence[Alert]) -> str:
    """The worst of them in a few words, and how many more."""
    first = alerts[0]
    if first.kind == "limit" and first.scope is not None:
        told = f"{scope_said(first.scope)}: {first.level} % of a limit"
        if first.level >= 100:
            told = f"{scope_said(first.scope)} has breached a limit"
    else:
        told = first.text.partition(". ")[0].partition(": ")[0].rstrip(".")
    more = f", and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"Live desk: {told}{more}"


def _slack(text: str) -> str:
    """Slack reads three signs as its own."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
