"""The morning's run: its steps, their order and lock, and the command line."""
