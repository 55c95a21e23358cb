"""How long a large desk's report takes until it is mailed, and its board.

Part of `make bench`. Everybody of the sample seven times: more than a hundred traders
over a year and a half, 70 of them at high risk. The mail goes through a real server on
this machine. Beside them in the same run: starting Python and importing the same
libraries.
"""

import sys
import tempfile
from pathlib import Path

from runtime.build_chain import RISK, require
from runtime.home import Home
from runtime.publish.marts_copy import publish
from runtime.warehouse import count_rows, open_warehouse
from tests.bench import REPEATS, measure, median, print_table
from tests.conftest import make_certificate, run_daily
from tests.desks import multiplied
from tests.mail_server import PASSWORD, mail_server

COPIES = 7
IMPORTS = (
    "import click, css_inline, duckdb, jinja2, matplotlib.figure, pydantic_settings"
)


def main() -> None:
    """Run everything and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        settings = {"SOURCE": "sample", "RISK_HOME": str(home.root)}
        run = run_daily("run", **settings)
        if run.code:
            sys.exit(run.err)
        multiplied(home, COPIES)
        with open_warehouse(home.warehouse) as connection:
            # Only who is at high risk has a card and a chart: let there be 70.
            connection.execute(
                "update marts.risk_calls set limit_risk = 'High' where trader_id in "
                "(select trader_id from marts.risk_calls where limit_risk <> 'Unknown' "
                "order by limit_loss_probability desc, trader_id limit 70)"
            )
        publish(home, made_of=require(home, RISK))
        traders = count_rows(home, "select count(*) from marts.trader_status")
        days = count_rows(home, "select count(*) from marts.feat_trader_day")
        with mail_server(make_certificate(Path(folder))) as desk:
            mail = {
                "EMAIL_FROM": "desk@x.test", "EMAIL_PASSWORD": PASSWORD,
                "EMAIL_TO": "boss@x.test", "FORCE": "1",
                "SMTP_URL": f"smtp://localhost:{desk.port}",
                "SSL_CERT_FILE": str(desk.certificate),
            }  # fmt: skip
            figures = {
                "baseline: start and import": median(
                    lambda: measure(["-c", IMPORTS], {})
                ),
                "report, written and mailed": median(
                    lambda: measure(["-m", "daily", "report"], settings | mail)
                ),
                "board, all pages": median(
                    lambda: measure(["-m", "daily", "board"], settings)
                ),
            }
            if len(desk.taken) != REPEATS:
                sys.exit(f"{len(desk.taken)} mails arrived of {REPEATS}")
    print(f"{traders} traders, {days:,} trader-days; medians of {REPEATS} runs")
    print_table(figures)


if __name__ == "__main__":
    main()
