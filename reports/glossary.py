"""What the terms of report and board mean, as docs/glossary.md has them."""

import re
from pathlib import Path

GLOSSARY = Path(__file__).parents[1] / "docs" / "glossary.md"


def read_terms() -> dict[str, str]:
    """Meaning by term."""
    text = GLOSSARY.read_text("utf-8")
    items = re.findall(r"^- \*\*(.+?)\*\*: (.+?)(?=^- |^$|\Z)", text, re.M | re.S)
    return {name: " ".join(meaning.split()) for name, meaning in items}


TERMS = read_terms()
