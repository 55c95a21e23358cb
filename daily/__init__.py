"""The morning's run: its steps, their order and lock, and the command line."""

import os

# Before numpy is there: what it would share out among threads is over sooner without,
# above all on a busy machine, and the same to the last bit on any number of cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
