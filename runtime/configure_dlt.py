"""What dlt may write and say."""

import os
from pathlib import Path


def configure_dlt(working_folder: Path) -> None:
    """Keep dlt's files in one folder, its telemetry off and its warnings out."""
    os.environ["DLT_DATA_DIR"] = str(working_folder)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["RUNTIME__LOG_LEVEL"] = "CRITICAL"
    # Loaded packages hold account names, and the warehouse has them already.
    os.environ["LOAD__DELETE_COMPLETED_JOBS"] = "true"
