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
    OTHER = "other"


# Beyond these a product of quantity, price and contract size no longer fits its type.
QUANTITY_LIMIT, NOTIONAL_LIMIT = "1e8", "1e11"
EARLIEST = "1990-01-01"

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
}
"""A document that cannot be read at all has a sentence of its own."""
