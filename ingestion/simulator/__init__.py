"""A PropReports of our own: a synthetic firm, its accounting, and `api.php` over HTTP.

    with serve(sample_firm(sessions), as_of=date(2025, 3, 5)) as simulator:
        requests.post(simulator.url, data={"action": "version"})

Every person, account and symbol is invented. `python -m ingestion.simulator` serves
the sample firm for a look around.
"""

from ingestion.simulator.api import Simulator
from ingestion.simulator.dialect import Dialect
from ingestion.simulator.faults import Fault
from ingestion.simulator.firm import Account, Adjustment, Fill, Firm
from ingestion.simulator.ledger import Ledger
from ingestion.simulator.revisions import Revision
from ingestion.simulator.sample_books import sample_desk, sample_revisions
from ingestion.simulator.server import serve
from ingestion.simulator.traders import sample_firm

__all__ = [
    "Account",
    "Adjustment",
    "Dialect",
    "Fault",
    "Fill",
    "Firm",
    "Ledger",
    "Revision",
    "Simulator",
    "sample_desk",
    "sample_firm",
    "sample_revisions",
    "serve",
]
