"""The board: one folder of static pages that answer what the report leaves open."""

from reports.board.write import write_board

__all__ = ["write_board"]
