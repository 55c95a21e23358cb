"""The live page in a real Chromium, clicked, while a session runs."""

import itertools
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from live.page import server
from tests.browser import needs_browser
from tests.live.chromium import Chromium
from tests.live.desk import HOSTILE, OPEN, SmallWatch, free_port, reports, running

pytestmark = needs_browser
TRADERS = [*(f"T{one:02}" for one in range(20)), *HOSTILE]
SYMBOLS = ["ABC", "DEF"]
STATE = "document.body.dataset.state"
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One for all; each test has a window of its own."""
    with Chromium(tmp_path_factory.mktemp("chromium")) as one:
        yield one


def row(name: str, column: int) -> str:
    """A script: what a cell of a row shows."""
    return (
        "[...document.querySelectorAll('#rows tbody tr')].find((one) => "
        f"one.cells[0].innerText.includes({name!r})).cells[{column}].innerText"
    )


def test_a_session_is_seen_live(chromium: Chromium, tmp_path: Path) -> None:
    with (
        running(tmp_path, TRADERS, firm="Harbour Lane", is_synthetic=True) as found,
        chromium.window() as browser,
    ):
        feed, watch, page = found
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        browser.wait_for("document.body.innerText.includes('SYNTHETIC DATA')")
        # Nobody has traded: nothing is open, and no loss is long ago.
        browser.wait_for(f"{row('T03', 17)} === '–'")
        made = reports(TRADERS, SYMBOLS, at=OPEN + 30 * MINUTE)
        good = (one for one in made if one.account.isprintable())
        for _ in range(40):
            feed.send(list(itertools.islice(good, 25)))
            time.sleep(0.02)
        browser.wait_for(
            "document.querySelector('[data-desk-note=net_pnl]').innerText"
            ".startsWith('1,000 fills')"
        )
        # A row leads to its symbols and last fills, and closes again.
        browser.click("#rows tbody tr:first-child th button")
        browser.wait_for("document.querySelectorAll('tr.detail tbody tr').length > 5")
        detail = browser.value("document.querySelector('tr.detail').innerText")
        assert "daily loss" in detail and "Last reports" in detail
        browser.click("#rows tbody tr:first-child th button")
        browser.wait_for("!document.querySelector('tr.detail')")
        # Sorted by net, worst first and then best first; unknown would come last.
        nets = (
            "[...document.querySelectorAll('#rows tbody tr')].map((one) => "
            "Number(one.cells[4].innerText.replace(/[$,]/g, '').replace('−', '-')))"
        )
        browser.click("#rows thead th:nth-child(5) button")
        assert browser.value(nets) == sorted(browser.value(nets), reverse=True)
        browser.click("#rows thead th:nth-child(5) button")
        assert browser.value(nets) == sorted(browser.value(nets))
        browser.type("#find", "t1")
        browser.wait_for(
            "document.querySelector('#rows-count').innerText.startsWith('10 of 26')"
        )
        browser.click('.chip[data-kind="trader_group"]')
        browser.value("document.getElementById('find').value = ''; arrange(true)")
        browser.wait_for("document.querySelectorAll('#rows tbody tr').length === 3")
        # An account that is all of a trader shows the trader's figures, as an account.
        browser.click('.chip[data-kind="account"]')
        browser.wait_for("document.querySelectorAll('#rows tbody tr').length === 26")
        browser.click("#rows tbody tr:first-child th button")
        browser.wait_for(
            "document.querySelector('tr.detail')?.innerText.includes('Trader: T')"
        )
        # No name was markup, nothing was loaded from elsewhere, nothing failed.
        assert browser.value("document.querySelectorAll('img, iframe').length") == 0
        assert browser.value("document.querySelectorAll('script').length") == 1
        assert "HACKED" not in browser.value("document.title")
        assert browser.complaints == []
        del watch


def test_a_breach_is_acknowledged_and_released(
    chromium: Chromium, tmp_path: Path
) -> None:
    with running(tmp_path, TRADERS) as found, chromium.window() as browser:
        feed, watch, page = found
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        feed.lose("T07")
        browser.wait_for("document.querySelector('#alerts [data-decide=release]')")
        browser.wait_for(f"{STATE} === 'yellow'")
        browser.wait_for(f"{row('T07', 1)}.includes('breached')")
        assert browser.value("document.title").startswith("◆ (1)")
        # It is first in the table, whatever its name.
        browser.wait_for(
            "document.querySelector('#rows tbody th').innerText.includes('T07')"
        )
        browser.click("#alerts [data-decide=acknowledge]")
        browser.type("#decide input", "Ann")
        browser.type("#decide textarea", "a <b>hedge</b>")
        browser.click("#decide button[type=submit]")
        browser.wait_for(
            "document.querySelector('#alerts').innerText.includes('by Ann')"
        )
        # As text, whatever is written.
        assert ": a <b>hedge</b>" in browser.text()
        (alert,) = watch.alerts()
        assert alert.acknowledged_by == "Ann" and alert.is_latched
        assert alert.acknowledge_reason == "a <b>hedge</b>"
        # Without a reason nothing is released, and the page says so.
        browser.click("#alerts [data-decide=release]")
        browser.click("#decide button[type=submit]")
        browser.wait_for(
            "document.querySelector('#decide-problem').innerText.includes('reason')"
        )
        assert watch.alerts()[0].is_latched
        browser.type("#decide textarea", "spoke with T07, flat")
        browser.click("#decide button[type=submit]")
        browser.wait_for(f"{STATE} === 'green'")
        browser.wait_for(
            "document.querySelector('#past-alerts summary').innerText[0] === '1'"
        )
        assert watch.alerts()[0].release_reason == "spoke with T07, flat"
        # The refusal is the one thing that the browser complains of.
        assert all("400" in one for one in browser.complaints)


def test_a_dead_server_turns_the_page_red_and_a_new_one_green(
    chromium: Chromium, tmp_path: Path
) -> None:
    values = {"live_port": free_port()}
    watch = SmallWatch()
    with chromium.window() as browser:
        with running(tmp_path, TRADERS, watch=watch, **values) as (feed, _, page):
            feed.lose("T07")
            browser.open(page.address)
            browser.wait_for(f"{STATE} === 'yellow'")
        browser.wait_for(f"{STATE} === 'dead'", 10)
        text = browser.text()
        assert "NO WORD FROM THE LIVE DESK" in text
        assert "Nothing here knows what has happened since" in text
        assert browser.value("document.title").startswith("✕ NO WORD")
        back = browser.value(
            "getComputedStyle(document.querySelector('main')).backgroundColor"
        )
        assert back == "rgb(251, 227, 225)"
        with running(tmp_path, TRADERS, watch=watch, **values) as (feed, _, page):
            browser.wait_for(f"{STATE} === 'yellow'", 20)
            # The breach is still there, and its button still works.
            browser.click("#alerts [data-decide=acknowledge]")
            browser.type("#decide input", "Ann")
            browser.click("#decide button[type=submit]")
            browser.wait_for(
                "document.querySelector('#alerts').innerText.includes('by Ann')"
            )


def test_a_server_that_hangs_turns_the_page_red(
    chromium: Chromium, tmp_path: Path
) -> None:
    """It answers, but the thread that looks is stuck: no beat, no trust."""
    with running(tmp_path, TRADERS) as (_, _, page), chromium.window() as browser:
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        lock = page._follower._session._lock
        with lock:
            browser.wait_for(f"{STATE} === 'dead'", 15)
            assert browser.value("fetch('/version').then((one) => one.ok)")
            # Nor does the screen of before, which a new stream begins with, count.
            browser.value("connect()")
            time.sleep(1)
            assert browser.value(STATE) == "dead"
        browser.wait_for(f"{STATE} === 'green'", 15)


def test_a_mute_feed_is_red_and_figures_that_fail_are_said(
    chromium: Chromium, tmp_path: Path
) -> None:
    with running(tmp_path, TRADERS) as found, chromium.window() as browser:
        feed, watch, page = found
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        feed.disconnect()
        browser.wait_for(f"{STATE} === 'red'", 5)
        browser.wait_for("sources.innerText.includes('▲ not connected')")
        browser.wait_for("reasons.innerText.includes('nothing comes')")
        watch.fails = True
        browser.wait_for("dead.innerText.includes('cannot be read')", 5)
        watch.fails = False
        browser.wait_for(f"{STATE} === 'red'", 5)


def test_a_computer_that_slept_catches_up(chromium: Chromium, tmp_path: Path) -> None:
    """Frozen as a laptop is: no script runs, and the server drops the stream."""
    with running(tmp_path, TRADERS) as (feed, _, page), chromium.window() as browser:
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        browser.call("Page.setWebLifecycleState", state="frozen")
        made = reports(TRADERS[:20], SYMBOLS, at=OPEN + 30 * MINUTE)
        feed.send(list(itertools.islice(made, 500)))
        time.sleep(server._KEEP_SECONDS + 2)
        browser.call("Page.setWebLifecycleState", state="active")
        browser.wait_for(
            "document.querySelector('[data-desk-note=net_pnl]').innerText"
            ".startsWith('500 fills')",
            10,
        )
        browser.wait_for(f"{STATE} === 'green'")


def test_what_lay_in_a_socket_is_not_live(chromium: Chromium, tmp_path: Path) -> None:
    """A computer that wakes reads first what came before it slept."""
    with running(tmp_path, TRADERS) as (_, _, page), chromium.window() as browser:
        browser.open(page.address)
        browser.wait_for(f"{STATE} === 'green'")
        old = (
            "{is_full: false, number: lastNumber + 1, sent: Date.now() - 60000, age: 0,"
            " at: asOf, sequence: 0, gone: [], parts: {}, fields: {}}"
        )
        script = f"(() => {{ take({old}); return {STATE}; }})()"
        assert browser.value(script) == "dead"
        browser.wait_for(f"{STATE} === 'green'")


PLACES = """
[...document.querySelectorAll("#rows tbody th")]
    .map((one) => one.innerText + one.getBoundingClientRect().top).join()
"""


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("width", [1440, 390])
def test_no_screen_is_too_narrow(
    chromium: Chromium, tmp_path: Path, width: int, is_dark: bool
) -> None:
    with running(tmp_path, TRADERS) as (feed, _, page), chromium.window() as browser:
        browser.look(width=width, height=900, is_dark=is_dark)
        made = reports(TRADERS[:20], SYMBOLS, at=OPEN + 30 * MINUTE)
        feed.send(list(itertools.islice(made, 500)))
        feed.lose("T07")
        browser.open(page.address)
        browser.wait_for("document.querySelector('#alerts li')")
        # Until nothing moves any more, as a person would.
        places, before = None, ""
        while places != before:
            before = places
            time.sleep(0.75)
            places = browser.value(PLACES)
        browser.click("#rows tbody th button")
        browser.wait_for("document.querySelector('tr.detail table')")
        assert browser.value("document.documentElement.scrollWidth") <= width
        browser.screenshot(tmp_path / "page.png")
        assert (tmp_path / "page.png").stat().st_size > 10_000
