"""What came and could not be read, in a file that does not grow without end."""

import json
from datetime import datetime
from pathlib import Path

from live.reports import BadMessage

# A flood of rubbish ends here: what comes later is counted only.
MOST_BYTES = 2**24
_MOST_CHARACTERS = 2000


class Quarantine:
    """Bad messages of a session, one JSON object a line, up to `MOST_BYTES`.

    Attributes:
        count: Bad messages since this process began; the file has those before as well.
        since: When the first of them came.
        last: The last one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.since: datetime | None = None
        self.last: BadMessage | None = None
        self._size = path.stat().st_size if path.exists() else 0

    def add(self, message: BadMessage) -> None:
        """Keep a message while there is room; never raises for a full disk."""
        self.count += 1
        self.since = self.since or message.received_at
        self.last = message
        line = json.dumps(
            {
                "received_at": message.received_at.isoformat(),
                "source": message.source,
                "reason": message.reason,
                "text": message.text[:_MOST_CHARACTERS],
            }
        )
        content = f"{line}\n".encode()
        if self._size + len(content) > MOST_BYTES:
            return
        try:
            with self.path.open("ab") as handle:
                handle.write(content)
        except OSError:
            return
        self._size += len(content)
