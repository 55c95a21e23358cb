"""Log-odds and how far they can be believed; `sigmoid` is their inverse."""

import numpy as np
from scipy.special import expit as sigmoid

# Of events as rare as a breach: a percent off 0 would be far.
RARE_MARGIN = 1e-4
_ROUNDS = 100
_CLOSE = 1e-10


def log_odds(probability: np.ndarray, margin: float = 0.01) -> np.ndarray:
    """Log-odds of a probability, which is kept a margin away from 0 and 1."""
    kept = np.clip(probability, margin, 1 - margin)
    return np.log(kept / (1 - kept))


def log_loss(
    is_event: np.ndarray, probability: np.ndarray, margin: float = 0.01
) -> np.ndarray:
    """Negative log-likelihood per row; probabilities kept a margin off 0 and 1."""
    score = log_odds(probability, margin)
    with np.errstate(invalid="ignore"):
        return np.logaddexp(0, score) - is_event * score


def fit_line(
    score: np.ndarray,
    is_loss: np.ndarray,
    prior_weight: float = 0.0,
    weights: np.ndarray | None = None,
) -> tuple[float, float]:
    """Intercept and slope of a logistic regression of the outcome on log-odds.

    Newton's method, each step halved until it improves. Source: Platt (1999); the slope
    alone: Cox (1958).

    Args:
        score: Predicted log-odds.
        is_loss: 1.0 or 0.0.
        prior_weight: How strongly intercept and slope are held to 0 and 1.
        weights: How often each row counts; None counts each once.
    """
    design = np.column_stack([np.ones(len(score)), score])
    prior = np.array([0.0, 1.0])
    counts = np.ones(len(score)) if weights is None else weights

    def cost(theta: np.ndarray) -> float:
        line = design @ theta
        likelihood = counts @ (np.logaddexp(0, line) - is_loss * line)
        return likelihood + prior_weight / 2 * ((theta - prior) ** 2).sum()

    theta = prior
    lowest = cost(theta)
    for _ in range(_ROUNDS):
        fitted = sigmoid(design @ theta)
        gradient = design.T @ (counts * (is_loss - fitted))
        gradient -= prior_weight * (theta - prior)
        curvature = (design * (counts * fitted * (1 - fitted))[:, None]).T @ design
        curvature += (prior_weight + 1e-9) * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (reached := cost(theta + step)) > lowest and np.abs(step).max() > _CLOSE:
            step /= 2
        theta, lowest = theta + step, reached
        if np.abs(step).max() <= _CLOSE:
            break
    return float(theta[0]), float(theta[1])
