"""A mail: its text and recipients, and the message made of them."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import policy
from email.message import EmailMessage
from email.utils import localtime
from html import escape
from pathlib import Path

# Every server takes seven bits.
_POLICY = policy.SMTP.clone(cte_type="7bit")
_BODY = re.compile(r"<body[^>]*>|\A(?!.*<body)", re.DOTALL | re.IGNORECASE)
_CORRECTED = (
    "padding: 12px; background: #fff3cd; color: #5c3b00; font-family: sans-serif"
)


@dataclass(frozen=True)
class Mail:
    """What is to be sent, once.

    Attributes:
        name: Of the thing and its date, such as `report-2026-03-02`; a file name.
        to: Addresses of the recipients.
        subject: Of any text; line breaks become blanks.
        text: In plain.
        html: The same in HTML, which refers to an image as `cid:<its name>`.
        images: PNG, by name.
        substance: What its reader learns, by what it is of; None of what is never
            corrected.
        page: The report on disk that it belongs to, if any.
    """

    name: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)
    substance: Mapping[str, str] | None = None
    page: Path | None = None

    @property
    def key(self) -> str:
        """Names the mail and its recipients: it is sent once under it."""
        recipients = ",".join(sorted(self.to))
        return f"{self.name}-{hashlib.sha256(recipients.encode()).hexdigest()[:8]}"

    def correcting(self, changes: Sequence[str]) -> "Mail":
        """The mail to who has an earlier one: what has changed since comes first.

        Args:
            changes: A line each; without any it stays as it is.
        """
        if not changes:
            return self
        head = "CORRECTED. Since it was mailed before, this has changed:"
        lines = "".join(f"  {change}\n" for change in changes)
        items = "".join(f"<li>{escape(change)}</li>" for change in changes)
        block = f'<div style="{_CORRECTED}"><b>{head}</b><ul>{items}</ul></div>'
        return replace(
            self,
            subject=f"CORRECTED: {self.subject}",
            text=f"{head}\n{lines}\n{self.text}",
            html=self.html and _BODY.sub(lambda body: body[0] + block, self.html, 1),
        )

    def as_bytes(self, sender: str, edition: str = "") -> bytes:
        """The message as it goes over the wire.

        Args:
            edition: Of a mail that is sent again on purpose. Without one the Message-ID
                is the same each time: where a connection breaks after the last byte and
                before the answer nobody can know whether the mail was taken, so it is
                sent again, and the receiving side may tell that it has it.
        """
        message = EmailMessage(policy=_POLICY)
        message["From"] = sender
        message["To"] = ", ".join(self.to)
        message["Subject"] = " ".join(self.subject.split())
        message["Date"] = localtime()
        message["Message-ID"] = f"<{self.key}{edition}@{sender.split('@')[-1]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        if self.html is not None:
            message.add_alternative(self.html, subtype="html")
            page = message.get_body(("html",))
            assert page is not None
            for name, png in self.images.items():
                page.add_related(
                    png,
                    maintype="image",
                    subtype="png",
                    cid=f"<{name}>",
                    filename=f"{name}.png",
                    disposition="inline",
                )
        return message.as_bytes()
