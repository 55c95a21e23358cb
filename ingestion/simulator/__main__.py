"""Command line: serve the sample firm until interrupted."""

import threading
from datetime import date, timedelta

import click

from ingestion.simulator import sample_firm, serve
from runtime.sessions import sessions_between

HISTORY = timedelta(days=550)


@click.command()
@click.option("--port", default=8765, show_default=True, help="Port on loopback.")
@click.option(
    "--seed", default=7, show_default=True, help="Another seed, another firm."
)
def main(port: int, seed: int) -> None:
    """Serve a synthetic firm's PropReports API on loopback until Ctrl-C.

    The firm has traded for the 18 months up to yesterday; nothing in it is real.
    """
    today = date.today()
    firm = sample_firm(
        sessions_between(today - HISTORY, today - timedelta(days=1)), seed
    )
    with serve(firm, as_of=today, port=port) as simulator:
        click.echo(f"Synthetic PropReports at {simulator.url} (POST only)")
        click.echo(f"user={simulator.user} password={simulator.password}")
        click.echo("Stop with Ctrl-C.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            click.echo("Stopped.")


if __name__ == "__main__":
    main()
