"""What models predict, and how a prediction is named."""

import numpy as np

# By output, the loss in dollars that it is the chance of passing; None: the trader's
# limit of that day.
BREACHES: dict[str, float | None] = {"breach": None, "breach_1000": 1000.0}
Predictions = dict[str, np.ndarray]
"""By output and model, such as `loss.global`: one row per trader-day predicted.

`loss`, `realised_loss`, `breach` and `breach_1000` are probabilities, `size` is the
expected logarithm of absolute net dollars, `pnl` is in units of the trader's own scale,
as are the five columns of `quantiles`. `usual_loss` (log dollars) and `loss_spread` are
what the reference model reads the chance of any loss from. NaN where a model has
nothing to say.
"""


def key(output: str, model: str) -> str:
    """The name of one model's predictions of one output."""
    return f"{output}.{model}"
