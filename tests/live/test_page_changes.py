"""A whole look and one of some rows alone, in whichever order they end."""

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from live.page.changes import Changes
from live.screen import screen
from live.session import Session
from tests.live.desk import DAY, OPEN, Feed, SmallWatch, opening, reports

SCOPE, ROW = ("trader", "T1"), "row/trader/T1"


@pytest.fixture
def looks(tmp_path: Path):
    """Three screens of a session: whole, T1 alone, and whole again."""
    folder = tmp_path / str(DAY)
    folder.mkdir()
    feed, watch, made = Feed(), SmallWatch(), reports(["T1"], ["ABC"])
    now = OPEN + timedelta(hours=1)
    with Session(folder, opening(["T1", "T2"]), [feed], clock=lambda: now) as session:

        def whole():
            feed.send(list(itertools.islice(made, 20)))
            return screen(session.snapshot(), watch)

        first = whole()
        feed.send(list(itertools.islice(made, 20)))
        sequence, figures = session.figures_of([SCOPE])
        some = replace(
            session.snapshot(), scopes=figures, symbols={}, sequence=sequence
        )
        yield first, screen(some, watch), whole()


def test_what_is_read_alone_is_kept_by_an_older_whole_look(looks) -> None:
    first, alone, last = looks
    changes = Changes()
    changes.of(first)
    assert changes.of_rows(alone).fields[ROW]["fills_count"] == 40
    # A whole look that began before, and ends after: what the watch says is newer.
    limits = (replace(alone.rows[0].limits[0], limit=SmallWatch.LIMIT * 2),)
    rows = tuple(
        replace(row, limits=limits) if row.scope_name == "T1" else row
        for row in first.rows
    )
    found = changes.of(replace(first, rows=rows))
    assert "limits" in found.fields[ROW]
    assert not {"net_pnl", "fills_count"} & set(found.fields[ROW])
    assert found.parts[ROW].fills_count == 40
    # The next one has everything.
    assert changes.of(last).fields[ROW]["fills_count"] == 60


def test_what_is_read_alone_too_late_is_dropped(looks) -> None:
    first, alone, last = looks
    changes = Changes()
    changes.of(first)
    changes.of(last)
    found = changes.of_rows(alone)
    assert not found.parts and not found.fields and not found.gone
