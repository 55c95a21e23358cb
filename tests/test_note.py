"""`make note`: what was done about a breach, in the desk's file."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from daily.note import note_breach
from ingestion.desk_files import BREACH_NOTES, read_desk
from runtime.errors import UserError
from runtime.home import Home
from runtime.publish.marts_copy import open_published
from tests.conftest import SampleRun, make_settings


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A desk's folder without a note."""
    return tmp_path


def noted(home: Home, desk: Path, scope: str, day: date, **more: object) -> str:
    """Note something on a breach of the sample."""
    said = {"rule": None, "note": "Half size, until Friday", "closes": False} | more
    return note_breach(
        make_settings(desk=desk), home, scope=scope, trade_date=day, **said
    )


def lines(desk: Path) -> list[dict[str, str | None]]:
    """What the file says, as the next morning reads it."""
    (content,) = read_desk(make_settings(desk=desk), Home(desk))
    return [
        dict(zip(BREACH_NOTES.columns, cells, strict=True))
        for _, cells in content.lines
    ]


def breach(sample: SampleRun, where: str) -> tuple:
    """The last breach of the sample that fits."""
    with open_published(sample.untouched) as connection:
        return connection.execute(
            "select scope_type, scope_name, rule, trade_date, last_breached_date "
            f"from fct_breaches where {where} order by trade_date desc limit 1"
        ).fetchall()[0]


def test_a_note_is_read_by_the_next_morning(sample: SampleRun, desk: Path) -> None:
    kind, name, rule, day, _ = breach(sample, "rule = 'daily_loss'")
    said = noted(sample.untouched, desk, name, day, rule=rule)
    assert said.startswith(f"{name}, {rule} of {day}, is noted on in {desk}")
    noted(sample.untouched, desk, name, day, rule=rule, note="Agreed", closes=True)
    first, second = lines(desk)
    for one, text, closes in ((first, "Half size, until Friday", "false"),
                              (second, "Agreed", "true")):  # fmt: skip
        assert (one["trade_date"], one["rule"], one["scope"]) == (f"{day}", rule, kind)
        assert (one["note"], one["closes"]) == (text, closes)
        assert one["noted_by"]


def test_a_later_date_of_a_breach_is_the_same_breach(
    sample: SampleRun, desk: Path
) -> None:
    _, name, rule, first, last = breach(sample, "last_breached_date > trade_date")
    noted(sample.untouched, desk, name, last, rule=rule)
    assert {one["trade_date"] for one in lines(desk)} == {f"{first}"}


def test_what_was_not_passed_is_told_with_what_was(
    sample: SampleRun, desk: Path
) -> None:
    _, name, rule, day, _ = breach(sample, "rule = 'daily_loss'")
    with pytest.raises(UserError, match=f"{name} breached no limit of trades on {day}"):
        noted(sample.untouched, desk, name, day, rule="trades")
    with pytest.raises(UserError, match=rule):
        noted(sample.untouched, desk, name, day, rule="trades")
    with pytest.raises(UserError, match="NOBODY breached no limit on"):
        noted(sample.untouched, desk, "NOBODY", day)
    for text in ("", "  ", "a\x00b"):
        with pytest.raises(UserError, match="needs its text"):
            noted(sample.untouched, desk, name, day, rule=rule, note=text)
    assert not list(desk.glob("*.csv"))


def test_two_notes_at_once_are_both_kept(sample: SampleRun, desk: Path) -> None:
    _, name, rule, day, _ = breach(sample, "rule = 'daily_loss'")

    def note(number: int) -> str:
        return noted(sample.untouched, desk, name, day, rule=rule, note=f"n{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(note, range(16)))
    text = (desk / BREACH_NOTES.file_name).read_text().splitlines()
    assert len(text) == 17
