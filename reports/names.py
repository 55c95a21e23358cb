"""File names of traders' pages."""

import hashlib
import re


def slug(trader_id: str) -> str:
    """A file name for a trader: readable where it can be, and nobody else's."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", trader_id).strip("-")[:40]
    digest = hashlib.sha256(trader_id.encode()).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest
