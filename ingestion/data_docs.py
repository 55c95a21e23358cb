"""Data Docs: Great Expectations' own pages of what the gate checked, readable offline.

The library's pages fetch styles and scripts from elsewhere, so its sections are taken
out of them and put into a page of ours.
"""

import html
import re
import shutil
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.render.view import DefaultJinjaPageView

KEPT_MORNINGS = 30
# A first load has hundreds of batches; what was not met comes first.
PAGES_PER_MORNING = 50
_SIGNS = {"fa-check-circle": "✓", "fa-times": "✗", "fa-exclamation-triangle": "!"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 0 auto; }
body { padding: 20px; }
table { border-collapse: collapse; width: 100%; margin: 6px 0 16px; }
th, td { text-align: left; vertical-align: top; padding: 5px 8px; }
th, td { border-bottom: 1px solid #8886; }
h1 { font-size: 22px; }
h5 { font-size: 17px; margin: 22px 0 4px; }
h6 { font-size: 13px; margin: 10px 0 0; }
.badge { border: 1px solid #8886; border-radius: 4px; padding: 0 5px; }
.text-danger, .unmet { font-weight: 700; }
"""


def write_data_docs(
    folder: Path,
    as_of: date,
    validations: "Sequence[tuple[str, ExpectationSuiteValidationResult]]",
) -> None:
    """Write the pages of one morning, and the list of all mornings there are.

    Args:
        folder: Of all mornings.
        as_of: The morning; what is there of it is replaced.
        validations: Name of each batch and what its checks found.
    """
    from great_expectations.render.renderer import ValidationResultsPageRenderer

    morning = folder / as_of.isoformat()
    shutil.rmtree(morning, ignore_errors=True)
    morning.mkdir(parents=True)
    first = sorted(validations, key=lambda one: bool(one[1].success))
    items = []
    for number, (batch, result) in enumerate(first[:PAGES_PER_MORNING], start=1):
        rendered = ValidationResultsPageRenderer().render(result)
        sections = _sections(_view().render(rendered))
        name = f"{number:03d}.html"
        title = f"{batch}, morning of {as_of}"
        back = (
            '<p><a href="index.html">All batches of this morning</a> · '
            f"{_board('../../../')}</p>"
        )
        (morning / name).write_text(_page(title, back + sections), "utf-8")
        count = sum(not one.success for one in result.results)
        summary = f"✗ {count} not met" if count else "✓ all met"
        items.append(
            f'<tr class="{"unmet" if count else ""}"><td><a href="{name}">'
            f"{html.escape(batch)}</a></td><td>{summary}</td></tr>"
        )
    more = len(validations) - len(items)
    table = f"<table>{''.join(items)}</table>" if items else "<p>Nothing was new.</p>"
    note = f"<p>{more} more batches met every check.</p>" if more else ""
    back = f'<p><a href="../index.html">All mornings</a> · {_board("../../../")}</p>'
    (morning / "index.html").write_text(
        _page(f"Checks of the morning of {as_of}", back + table + note), "utf-8"
    )
    mornings = sorted((one for one in folder.iterdir() if one.is_dir()), reverse=True)
    for old in mornings[KEPT_MORNINGS:]:
        shutil.rmtree(old)
    listed = "".join(
        f'<li><a href="{one.name}/index.html">{one.name}</a></li>'
        for one in mornings[:KEPT_MORNINGS]
    )
    (folder / "index.html").write_text(
        _page(
            "Checks of newly loaded fills, by morning",
            f"<p>{_board('../../')}</p><ul>{listed}</ul>",
        ),
        "utf-8",
    )


@cache
def _view() -> "DefaultJinjaPageView":
    # Each one compiles the library's templates anew.
    from great_expectations.render.view import DefaultJinjaPageView

    return DefaultJinjaPageView()


def _sections(page: str) -> str:
    """The library's sections, without what leads elsewhere."""
    part = page[page.index('<div id="section-1"') : page.index("<footer>")]
    part = re.sub(r"<script.*?</script>", "", part, flags=re.DOTALL)
    part = re.sub(r"</?a\b[^>]*>", "", part)
    for icon, sign in _SIGNS.items():
        part = re.sub(rf'<i class="[^"]*{icon}\b[^"]*"[^>]*></i>', sign, part)
    return part


def _board(up: str) -> str:
    """The way back to where these pages are linked, from so many folders down."""
    return f'<a href="{up}board/index.html">Board</a>'


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{html.escape(title)}</h1>{body}"
        "</body></html>"
    )
