"""Why a row or a cell could not be read: a stable code, and the sentence for people."""

from enum import StrEnum


class ReasonCode(StrEnum):
    """Codes of `raw.quarantine`; sentences may change, codes never do."""

    EMPTY = "empty"
    LINE_BREAK = "line_break"
    NOT_A_SIDE = "not_a_side"
    NOT_A_SYMBOL = "not_a_symbol"
    NOT_A_NUMBER = "not_a_number"
    NOT_A_QUANTITY = "not_a_quantity"
    NOT_A_COUNT = "not_a_count"
    NOT_A_DATE = "not_a_date"
    NOT_A_TIMESTAMP = "not_a_timestamp"
    DATE_IN_FUTURE = "date_in_future"
    DATE_TOO_EARLY = "date_too_early"
    DATE_NOT_REQUESTED = "date_not_requested"
    NOTIONAL_TOO_LARGE = "notional_too_large"
    FEES_TOO_LARGE = "fees_too_large"
    WRONG_WIDTH = "wrong_width"
    REPEATED = "repeated"
    UNDECLARED_COLUMN = "undeclared_column"
    BLANK_DOCUMENT = "blank_document"
    UNREADABLE_DOCUMENT = "unreadable_document"
    SPREADSHEET_VALUE = "spreadsheet_value"
    SPREADSHEET_SYMBOL = "spreadsheet_symbol"
    NO_SECONDS = "no_seconds"
    FILE_WITHOUT_SECONDS = "file_without_seconds"
    DAY_BEFORE_MONTH = "day_before_month"
    LOST_ZEROS = "lost_zeros"
    COMPRESSED = "compressed"
    SPREADSHEET = "spreadsheet"
    SUBFOLDER = "subfolder"
    OTHER_SPELLING = "other_spelling"
    FOREIGN_FILE = "foreign_file"
    NO_REGULAR_FILE = "no_regular_file"
    OTHER = "other"


# Beyond these a product of quantity, price and contract size no longer fits its type.
QUANTITY_LIMIT, NOTIONAL_LIMIT = "1e8", "1e11"
EARLIEST = "1990-01-01"
_NAMES = ("Account", "Account Name")
_CELL_SHOWN = 40

SENTENCES = {
    ReasonCode.EMPTY: "is empty",
    ReasonCode.LINE_BREAK: "holds a line break",
    ReasonCode.NOT_A_SIDE: "is not one of B, S, T, C",
    ReasonCode.NOT_A_SYMBOL: "is longer than 48 characters or has one that cannot be "
    "seen",
    ReasonCode.NOT_A_NUMBER: "is not a number with at most 10 digits and 8 decimals",
    ReasonCode.NOT_A_QUANTITY: "is not a number above 0 and below 10^8 with at most 8 "
    "decimals",
    ReasonCode.NOT_A_COUNT: "is not a whole number",
    ReasonCode.NOT_A_DATE: "is not a date",
    ReasonCode.NOT_A_TIMESTAMP: "is not a date and time",
    ReasonCode.DATE_IN_FUTURE: "lies in the future",
    ReasonCode.DATE_TOO_EARLY: f"lies before {EARLIEST}",
    ReasonCode.DATE_NOT_REQUESTED: "lies outside the dates asked for, {} to {}",
    ReasonCode.NOTIONAL_TOO_LARGE: "times the quantity is 10^11 or more",
    ReasonCode.FEES_TOO_LARGE: "carries fees of more than 10 digits",
    ReasonCode.WRONG_WIDTH: "has {} cells, the header has {}",
    ReasonCode.REPEATED: "repeats an earlier row to the letter and counts once",
    ReasonCode.UNDECLARED_COLUMN: "is in a column nobody has declared",
    ReasonCode.BLANK_DOCUMENT: "came without even a header, though there were rows "
    "before",
    ReasonCode.SPREADSHEET_VALUE: "is what a spreadsheet made of it, not what "
    "PropReports wrote",
    ReasonCode.SPREADSHEET_SYMBOL: "is what a spreadsheet makes of a symbol",
    ReasonCode.NO_SECONDS: "has no seconds, as a spreadsheet leaves them out",
    ReasonCode.FILE_WITHOUT_SECONDS: "has no seconds, as a spreadsheet leaves them out",
    ReasonCode.DAY_BEFORE_MONTH: "has the day before the month, as a spreadsheet may "
    "turn them",
    ReasonCode.LOST_ZEROS: "is shorter than the others, as if a spreadsheet had taken "
    "its zeros",
    ReasonCode.COMPRESSED: "is compressed in a way that is not read; unpack it there",
    ReasonCode.SPREADSHEET: "is a spreadsheet of a kind that is not read; save it as "
    ".xlsx or export it as CSV",
    ReasonCode.SUBFOLDER: "is a folder that is not read; move its files up",
    ReasonCode.OTHER_SPELLING: "is not read under this name; rename it to {}",
    ReasonCode.FOREIGN_FILE: "is not a file that is read here",
    ReasonCode.NO_REGULAR_FILE: "is not read: it is a pipe, a socket, a device or a "
    "link that leads out of the folder or nowhere",
}
"""A document that cannot be read at all has a sentence of its own."""


def place_of(
    origin: str, line: int | None, column: str | None, cell: str | None, reason: str
) -> str:
    """Where something is wrong, for a message: file, line, column, cell and reason.

    A whole row, and what names an account, may name a person: they stay in quarantine.
    """
    place = origin if line is None else f"{origin}, line {line}"
    if column is None:
        return f"{place}: it {reason}"
    if cell is None or column in _NAMES:
        return f"{place}: {column} {reason}"
    return f"{place}: {column} `{cell[:_CELL_SHOWN]}` {reason}"
