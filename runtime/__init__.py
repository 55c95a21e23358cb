"""What every stage of the morning needs: settings, home folder, calendar, warehouse.

Nothing here imports `ingestion`, `ml` or `reports`.
"""
