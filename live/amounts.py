"""Money, prices and quantities as whole numbers of a hundred-millionth, exact.

The same digits, and the same rounding, as the warehouse's DECIMAL(38, 8): macros
exact_product, in_base and to_cents.
"""

from decimal import Decimal

UNIT = 10**8
_ONE = Decimal(1).scaleb(-8)
_RATE_UNIT = 10**10
_CENT = UNIT // 100


def scaled(number: Decimal) -> int:
    """Hundred-millionths of a number.

    Raises:
        ValueError: It has more than eight decimals, or is no finite number.
    """
    # Of 28 digits: a number that needs more has too many decimals or is too large.
    many = number * UNIT
    try:
        whole = int(many)
    except (ValueError, OverflowError):
        raise ValueError("is no number") from None
    if whole != many:
        raise ValueError("has more than eight decimals")
    return whole


def scaled_rate(rate: Decimal) -> int:
    """Ten-thousand-millionths of an exchange rate."""
    return int(rate * _RATE_UNIT)


def decimal(amount: int) -> Decimal:
    """The number that so many hundred-millionths are."""
    return amount * _ONE


def decimal_or_none(amount: int | None) -> Decimal | None:
    """The same; None stays unknown."""
    return None if amount is None else amount * _ONE


def rounded(number: int, divisor: int) -> int:
    """A quotient, half away from zero; the divisor is even."""
    half = divisor // 2
    if number >= 0:
        return (number + half) // divisor
    return -((half - number) // divisor)


def product(quantity: int, price: int, multiplier: int) -> int:
    """Quantity x price x multiplier, rounded where the warehouse rounds."""
    if not quantity % UNIT and not multiplier % UNIT:
        return (quantity // UNIT) * (multiplier // UNIT) * price
    return rounded(rounded(quantity * multiplier, UNIT) * price, UNIT)


def in_base(amount: int, rate: int) -> int:
    """An amount in the base currency, at a scaled rate."""
    if rate == _RATE_UNIT or not amount:
        return amount
    return rounded(amount * rate, _RATE_UNIT)


def cents(amount: int) -> int:
    """Whole cents of an amount."""
    return rounded(amount, _CENT)
