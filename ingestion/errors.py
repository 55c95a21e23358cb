"""What is wrong with a document as a whole."""

from runtime.errors import UserError


class DocumentError(UserError):
    """A document cannot be read at all, or is not what it should be.

    Attributes:
        line, column, cell: Where in it, as far as that is known.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: str | None = None,
        cell: str | None = None,
    ) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.cell = cell
