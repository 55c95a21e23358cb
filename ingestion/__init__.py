"""Loads PropReports into the `raw` schema of the warehouse.

A *source* (the API, a folder of CSV exports, or the sample firm's simulator) yields
CSV documents; one parser turns them into typed rows; each (account, trade date) whose
rows changed is loaded with dlt as a new version and then committed in
`raw.day_versions`. What is not committed there does not exist for the models.

raw.accounts, raw.sessions          attributes, replaced or merged
raw.fills, raw.fill_fees            every version of every fill, and its fees by name
raw.broker_days, raw.broker_fees    the broker's own daily figures, and its fees by name
raw.positions, raw.adjustments      the broker's own positions and bookings
raw.day_versions                    which version of an account's day was known when
raw.account_versions                how an account was listed, and from when
raw.extra_cells                     cells of columns that no raw table has, as they came
raw.gate_results                    what the gate found in newly loaded fills
raw.gate_concerns                   the day versions that unmet checks concern
raw.owner, raw.accounts_read        whose warehouse it is; how far each account is read
raw.load_progress                   requests of a load that is not finished
raw.quarantine                      rows that could not be read, each with its reason: a
                                    code that stays the same, and a sentence
raw.run_context                     one row: source, firm, AS_OF, next session
"""
