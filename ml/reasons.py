"""Why a forecast is what it is, in words: what each feature added, in dollars."""

from collections.abc import Mapping

import numpy as np

from ml.features import SCALE

SHOWN = 3
SHOWN_CHANGES = 2
MINUS = "\N{MINUS SIGN}"


def reasons(
    names: tuple[str, ...],
    values: np.ndarray,
    dollars: np.ndarray,
    predicted: float,
    phrases: Mapping[str, str],
) -> str:
    """The features that moved a prediction most its way, strongest first.

    Args:
        names: Features in training order.
        values: Their values; NaN where unknown.
        dollars: What each added to the prediction.
        predicted: The prediction, in dollars.
        phrases: How to say a feature's value, as `describe` takes them.
    """
    return "; ".join(_told(names, values, dollars, predicted, SHOWN, phrases))


def limit_reason(
    loses: float, usual_loss: float, beyond: float, chance: float, limit: float
) -> str:
    """Why the chance of breaching the limit is what it is.

    Args:
        loses: Chance that the day loses in trading.
        usual_loss: Dollars around which such a loss lies.
        beyond: Chance of breaching the limit by the reference model.
        chance: The same by the model that is selected.
        limit: Dollars.
    """
    text = (
        f"loses before fees on {100 * loses:.0f} % of days, about ${usual_loss:,.0f}; "
        f"{100 * min(beyond / max(loses, 1e-9), 1):.0f} % of those losses exceed "
        f"${limit:,.0f}"
    )
    if abs(chance - beyond) < 0.005:
        return text
    return (
        f"{text}; the model moves the chance from {100 * beyond:.1f} % to "
        f"{100 * chance:.1f} %"
    )


def changes(
    names: tuple[str, ...],
    values: np.ndarray,
    moved: np.ndarray,
    now: float,
    before: float,
    phrases: Mapping[str, str],
) -> str:
    """What changed since the trader's previous traded day, by the same model.

    Args:
        names: Features in training order.
        values: Their values now; NaN where unknown.
        moved: By how many dollars each adds more than it did.
        now: The prediction, in dollars.
        before: What the same model said the day before.
        phrases: How to say a feature's value, as `describe` takes them.
    """
    told = _told(names, values, moved, now - before, SHOWN_CHANGES, phrases)
    return f"{_signed(now - before)}" + (f", by {'; '.join(told)}" if told else "")


def _told(
    names: tuple[str, ...],
    values: np.ndarray,
    dollars: np.ndarray,
    whole: float,
    count: int,
    phrases: Mapping[str, str],
) -> list[str]:
    # What pushes the way the forecast goes comes first; a trader's scale is no reason.
    way = -1.0 if whole < 0 else 1.0
    strength = np.where(np.array(names) == SCALE, 0.0, np.abs(dollars))
    order = np.lexsort((-strength, dollars * way < 0))[:count]
    return [
        f"{describe(names[index], values[index], phrases)} ({_signed(dollars[index])})"
        for index in order
        if round(strength[index])
    ]


def describe(name: str, value: float, phrases: Mapping[str, str]) -> str:
    """A feature and its value in words.

    Args:
        phrases: A format string by feature, as `feature_dictionary` has them; a feature
            that is not in it goes by its name.
    """
    if np.isnan(value):
        return f"{name.replace('_', ' ')} unknown"
    text = phrases.get(name, name.replace("_", " ") + " {:.3g}").format(value)
    return text.replace("$-", "-$").replace("-", MINUS)


def _signed(dollars: float) -> str:
    return f"{'+' if dollars >= 0 else MINUS}${abs(dollars):,.0f}"
