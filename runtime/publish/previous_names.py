"""Names that marts and columns had in the previous version, kept for one version.

A published copy answers to them too, and a copy that the previous version published
answers to the new ones (docs/upgrading.md lists both).
"""

_MODELS = {
    "loss_speaker": "loss_model",
    "pnl_speaker": "pnl_model",
    "quantiles_speaker": "quantiles_model",
}
# By its previous name: a mart's name today, and its columns' previous and new names.
MARTS: dict[str, tuple[str, dict[str, str]]] = {
    "call_outcomes": ("forecast_outcomes", {}),
    "call_record": ("forecast_record", {}),
    "call_scores": ("trader_forecast_scores", {"calls_count": "forecasts_count"}),
    "desk_calls": (
        "desk_forecasts",
        {"judged_sessions_count": "evaluated_sessions_count"},
    ),
    "desk_record": ("desk_forecast_outcomes", {}),
    "data_quality": ("data_quality", {"remedy": "how_to_fix"}),
    "fct_fills": (
        "fct_fills",
        {
            "path_net_pnl": "cumulative_net_pnl",
            "realised_gross_pnl": "realized_gross_pnl",
        },
    ),
    "fct_lots": ("fct_lots", {"lot_piece_id": "lot_match_id"}),
    "model_health": ("model_health", {"remedy": "how_to_fix"}),
    "model_registry": ("model_registry", _MODELS),
    "risk_calls": ("risk_calls", _MODELS),
    "run_ledger": ("run_ledger", {"said": "message"}),
    "trader_status": ("trader_status", {"call_basis": "forecast_basis"}),
}
# One mart held the scores of traders and, as trader '', the desk's.
_SCORES = "call_scores"
_TRADER_SCORES, _DESK_SCORES = "trader_forecast_scores", "desk_forecast_scores"

# Of each mart of a copy: its columns in their order.
Columns = dict[str, list[str]]


def previous_marts(there: Columns) -> dict[str, str]:
    """Queries that give renamed marts of today as they were, by previous name."""
    found = {}
    for before, (now, renamed) in MARTS.items():
        if now in there and before not in there:
            back = {new: old for old, new in renamed.items()}
            found[before] = _select("marts", now, there[now], back)
            if before == _SCORES and _DESK_SCORES in there:
                desk = _select("marts", _DESK_SCORES, there[_DESK_SCORES], back)
                found[before] += (
                    f" union all by name select '' as trader_id, * from ({desk})"
                )
    return found


def marts_of_today(there: Columns, schema: str) -> dict[str, str]:
    """Queries that give marts of the previous version as today's, by name of today.

    Args:
        there: What the copy has; nothing comes of one that has today's names.
        schema: Where it lies, with its catalog.
    """
    found = {}
    for before, (now, renamed) in MARTS.items():
        columns = there.get(before, [])
        has_other_columns = now == before and bool(renamed.keys() & {*columns})
        if (columns and now not in there) or has_other_columns:
            found[now] = _select(schema, before, columns, renamed)
            if before == _SCORES:
                desk = [name for name in columns if name != "trader_id"]
                found[_DESK_SCORES] = _select(schema, before, desk, renamed)
                found[_DESK_SCORES] += " where trader_id = ''"
                found[now] += " where trader_id <> ''"
    return found


def _select(schema: str, mart: str, columns: list[str], names: dict[str, str]) -> str:
    listed = ", ".join(f'"{name}" as "{names.get(name, name)}"' for name in columns)
    return f'select {listed} from {schema}."{mart}"'
