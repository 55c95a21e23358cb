"""Rules as people write them: `stop 1500`, `sit_out 1 after 3 losing days`, grids."""

import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

from runtime.errors import UserError

# What a threshold is in; usual days of the trader where it may be as well.
DOLLARS, TRIPS = "dollars", "trips"
KINDS = {
    "stop": DOLLARS,
    "warn": DOLLARS,
    "give_back": DOLLARS,
    "size_cap": DOLLARS,
    "max_trades": TRIPS,
    "losing_trades": TRIPS,
    "cool_down": TRIPS,
    "sit_out": DOLLARS,
    "half_size": DOLLARS,
}
IN_USUAL_DAYS = ("stop", "warn", "give_back", "sit_out", "half_size")
# What lasts from when it is hit, and in what: `cool_down 30 after 3`.
LASTS = {"cool_down": "minutes", "sit_out": "days", "half_size": "days"}
LOSING_DAYS = " losing days"
RANGE_STEPS = 20
MOST_RULES = 500
_EXAMPLES = (
    "stop 1500, stop 2x, stop 250..5000, warn 750, give_back 1000, max_trades 20, "
    "losing_trades 3, cool_down 30 after 3, size_cap 50000, sit_out 1 after 1500, "
    "half_size 2 after 3 losing days; several with `;` between"
)
_AFTER = {
    "cool_down": "cool_down 30 after 3, for 30 minutes after three losing trips",
    "sit_out": "sit_out 1 after 1500, or sit_out 1 after 3 losing days",
    "half_size": "half_size 2 after 1500, or half_size 2 after 3 losing days",
}
_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{1,4})?)(x?)")


@dataclass(frozen=True)
class Rule:
    """What a trader may do.

    Attributes:
        kind: One of `KINDS`.
        threshold: Dollars, usual days, trips or days from which on it holds.
        is_usual_days: Whether they are usual days of the trader.
        is_losing_days: Whether they are days lost in a row.
        duration: Minutes or days that it lasts (`LASTS`); None: to the day's end.
    """

    kind: str
    threshold: Decimal
    is_usual_days: bool = False
    is_losing_days: bool = False
    duration: int | None = None

    @property
    def text(self) -> str:
        """As it is written."""
        number = f"{self.threshold.normalize():f}{'x' * self.is_usual_days}"
        if self.duration is None:
            return f"{self.kind} {number}"
        return (
            f"{self.kind} {self.duration} after {number}"
            f"{LOSING_DAYS * self.is_losing_days}"
        )


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The rules that a text names, each once, in its order.

    Raises:
        UserError: A part of it is no rule; says which, and what would be one.
    """
    parts = [" ".join(part.split()) for part in text.split(";")]
    rules = [rule for part in parts for rule in _parse(part)]
    if len(rules) > MOST_RULES:
        raise UserError(
            f"RULE names {len(rules):,} rules; {MOST_RULES} at most. Take "
            "larger steps: stop 500..5000 by 250."
        )
    return tuple(dict.fromkeys(rules))


def _parse(part: str) -> list[Rule]:
    kind, _, said = part.lower().partition(" ")
    kind = kind.replace("-", "_")
    if kind not in KINDS:
        raise UserError(f'"{part}" is no rule that is known. Known are: {_EXAMPLES}.')
    lasting_values: list[tuple[Decimal, bool]] = []
    if kind in LASTS:
        lasting, after, said = said.partition(" after ")
        if not after:
            raise UserError(f'"{part}" does not say after what: write {_AFTER[kind]}.')
        lasting_values = _values(part, lasting, is_whole=True)
    is_losing_days = LASTS.get(kind) == "days" and said.endswith(LOSING_DAYS)
    values = _values(
        part,
        said.removesuffix(LOSING_DAYS) if is_losing_days else said,
        is_whole=is_losing_days or KINDS[kind] == TRIPS,
    )
    can_be_usual = kind in IN_USUAL_DAYS and not is_losing_days
    never_usual = lasting_values if can_be_usual else [*lasting_values, *values]
    if any(is_usual for _, is_usual in never_usual):
        raise UserError(
            f'"{part}" is in usual days, which only amounts of '
            f"{', '.join(IN_USUAL_DAYS)} can be: leave the x out."
        )
    durations: list[int | None] = [int(value) for value, _ in lasting_values]
    return [
        Rule(kind, threshold, is_usual, is_losing_days, duration)
        for duration, (threshold, is_usual) in product(durations or [None], values)
    ]


def _values(part: str, said: str, *, is_whole: bool) -> list[tuple[Decimal, bool]]:
    """The thresholds of a list or a range, and whether they are usual days."""
    if ".." not in said:
        return [_value(part, one.strip(), is_whole=is_whole) for one in said.split(",")]
    span, by, step_said = said.partition(" by ")
    (first, is_usual), (last, is_last_usual) = (
        _value(part, one.strip(), is_whole=is_whole) for one in span.split("..", 1)
    )
    step, count = (last - first) / (RANGE_STEPS - 1), RANGE_STEPS
    is_step_usual = False
    if by:
        step, is_step_usual = _value(part, step_said.strip(), is_whole=is_whole)
        count = int((last - first) / step) + 1
    if first >= last or is_usual != is_last_usual or (is_step_usual and not is_usual):
        raise UserError(
            f'"{part}" is no range: write the lower end first, and x at both or none.'
        )
    if count > MOST_RULES:
        raise UserError(f'"{part}" has {count:,} steps; {MOST_RULES} at most.')
    place = Decimal(1) if is_whole else Decimal("0.01")
    # Below it a lower end would be rounded to a threshold of 0, steps to one another.
    if first < place or (by and step < place):
        raise UserError(f'"{part}" is finer than {place}, the least step of a range.')
    values = [(first + step * number).quantize(place) for number in range(count)]
    return [(value, is_usual) for value in dict.fromkeys(values)]


def _value(part: str, said: str, *, is_whole: bool) -> tuple[Decimal, bool]:
    found = _NUMBER.fullmatch(said.removeprefix("$"))
    if not found or (is_whole and not found[1].isdigit()) or not Decimal(found[1]):
        wanted = "a whole number" if is_whole else "an amount"
        raise UserError(
            f'"{said}" in "{part}" is not {wanted} above 0. Rules look like this: '
            f"{_EXAMPLES}."
        )
    return Decimal(found[1]), bool(found[2])
