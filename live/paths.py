"""The path of a scope's day through all its fills in time: peaks, drawdown, exposure.

Fills are taken in the warehouse's order, late ones at their place. What follows a fill
that changed is walked again when somebody looks, from the checkpoint before it.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

from live.fills import Fills

CHECKPOINT_FILLS = 512


@dataclass(slots=True)
class PathState:
    """Where a path is, and how far it went; scaled amounts, and cents of exposure.

    Attributes:
        net: Realized less fees. peak, trough: 0 at least, 0 at most.
        peak_at: Time of the first fill at the peak; None at the start.
        gross_cents, net_cents: What exposure moved since the opening.
        losing_streak: Trades with a loss since the last other one.
        last_loss_at: Time of the fill that closed the last losing trade.
    """

    net: int = 0
    peak: int = 0
    trough: int = 0
    max_drawdown: int = 0
    peak_at: int | None = None
    gross_cents: int = 0
    most_gross: int = 0
    net_cents: int = 0
    most_net: int = 0
    least_net: int = 0
    closed_trades: int = 0
    losing_trades: int = 0
    losing_streak: int = 0
    last_loss_at: int | None = None
    last_trade_net: int | None = None


class Path:
    """The fills of a scope in order, and the state after the last of them.

    Args:
        place: The order of fills of one time.
    """

    __slots__ = ("_checkpoints", "_folded", "_state", "numbers", "place")

    def __init__(self, place: Callable[[int], tuple]) -> None:
        self.place = place
        self.numbers = array("q")
        self._checkpoints: list[PathState] = [PathState()]
        self._folded = 0
        self._state = PathState()

    def add(self, fills: Fills, number: int) -> None:
        """Put a fill at its place."""
        numbers, at = self.numbers, fills.at
        time = at[number]
        last = at[numbers[-1]] if numbers else time - 1
        if time < last or (
            time == last and self.place(number) < self.place(numbers[-1])
        ):
            index = bisect_left(numbers, time, key=at.__getitem__)
            while (
                index < len(numbers)
                and at[numbers[index]] == time
                and self.place(numbers[index]) < self.place(number)
            ):
                index += 1
            numbers.insert(index, number)
            self._forget_from(index)
        else:
            numbers.append(number)

    def remove(self, fills: Fills, number: int) -> None:
        """Take a fill out."""
        index = bisect_left(self.numbers, fills.at[number], key=fills.at.__getitem__)
        while self.numbers[index] != number:
            index += 1
        del self.numbers[index]
        self._forget_from(index)

    def revise_from(self, fills: Fills, time: int) -> None:
        """Fills from a time on realize something else now."""
        self._forget_from(bisect_left(self.numbers, time, key=fills.at.__getitem__))

    def _forget_from(self, index: int) -> None:
        if index < self._folded:
            kept = index // CHECKPOINT_FILLS
            del self._checkpoints[kept + 1 :]
            self._folded = kept * CHECKPOINT_FILLS
            self._state = replace(self._checkpoints[kept])

    def state(self, fills: Fills) -> PathState:
        """The state after the last fill; not to be changed."""
        if self._folded < len(self.numbers):
            self._walk(fills)
        return self._state

    def _walk(self, fills: Fills) -> None:
        # Local names: a million fills are walked for the desk alone.
        one, numbers, at = self._state, self.numbers, fills.at
        gross, fee, closed_trade = fills.gross, fills.fee, fills.closed_trade
        gross_moved, net_moved = fills.gross_cents, fills.net_cents
        net, peak, trough = one.net, one.peak, one.trough
        fall, peak_at = one.max_drawdown, one.peak_at
        gross_cents, most_gross = one.gross_cents, one.most_gross
        net_cents, most_net, least_net = one.net_cents, one.most_net, one.least_net
        for index in range(self._folded, len(numbers)):
            number = numbers[index]
            net += gross[number] - fee[number]
            if net > peak:
                peak, peak_at = net, at[number]
            else:
                if net < trough:
                    trough = net
                if peak - net > fall:
                    fall = peak - net
            gross_cents += gross_moved[number]
            if gross_cents > most_gross:
                most_gross = gross_cents
            net_cents += net_moved[number]
            if net_cents > most_net:
                most_net = net_cents
            elif net_cents < least_net:
                least_net = net_cents
            if number in closed_trade:
                _close_trade(one, closed_trade[number], at[number])
            if not (index + 1) % CHECKPOINT_FILLS or index + 1 == len(numbers):
                one.net, one.peak, one.trough = net, peak, trough
                one.max_drawdown, one.peak_at = fall, peak_at
                one.gross_cents, one.most_gross = gross_cents, most_gross
                one.net_cents, one.most_net = net_cents, most_net
                one.least_net = least_net
                if not (index + 1) % CHECKPOINT_FILLS:
                    self._checkpoints.append(replace(one))
        self._folded = len(numbers)


def _close_trade(state: PathState, made: int | None, at: int) -> None:
    state.closed_trades += 1
    state.last_trade_net = made
    if made is not None and made < 0:
        state.losing_trades += 1
        state.losing_streak += 1
        state.last_loss_at = at
    else:
        state.losing_streak = 0
