"""`make backtest`: walk through the past; write marts, page and figures."""

import json
from pathlib import Path

import pandas as pd

from ml.backtest.figures import as_json, sentence
from ml.backtest.page import write_page
from ml.backtest.walk import Window, run
from ml.behaviour import as_json as behaviour_json
from ml.behaviour import evidence
from ml.store import read_behaviour, read_marts, write_backtest
from ml.tuning import Tuning
from runtime.home import Home
from runtime.settings import Settings
from runtime.warehouse import open_warehouse


def backtest(
    settings: Settings, home: Home, window: Window, json_file: Path | None
) -> str:
    """Run it on the warehouse as it is, write marts, page and figures.

    Raises:
        UserError: Nothing can be evaluated in the window.
    """
    frames = read_marts(home)
    done = run(
        frames,
        Tuning.load(Home(settings.home_root).models),
        window,
        threads=settings.threads,
        kept=home.walk_forward,
        accounts=_accounts(home),
        expected=home.root / "sample" / "expected_pnl.csv",
    )
    write_backtest(home, done.predictions, done.metrics, done.policies)
    record = done.record
    figures = as_json(done) | {
        "behaviour": behaviour_json(
            evidence(
                read_behaviour(home), record.traders, record.dates,
                record.label_dates,
                {name: record.is_event(name) for name in ("loss", "breach")},
            )
        )
    }  # fmt: skip
    page = write_page(home, done, figures)
    target = json_file or page.with_name("figures.json")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return f"{sentence(figures)}; open {page}, figures in {target}"


def _accounts(home: Home) -> pd.DataFrame:
    with open_warehouse(home.warehouse, read_only=True) as connection:
        return connection.sql(
            "select distinct trader_id, account_id from marts.dim_accounts order by all"
        ).df()
