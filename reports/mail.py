"""A mail: its text and recipients, and the message made of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.utils import localtime

# Every server takes seven bits.
_POLICY = policy.SMTP.clone(cte_type="7bit")


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
    """

    name: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Names the mail and its recipients: it is sent once under it."""
        recipients = ",".join(sorted(self.to))
        return f"{self.name}-{hashlib.sha256(recipients.encode()).hexdigest()[:8]}"

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
