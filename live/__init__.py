"""The live desk: every fill as it comes, by the warehouse's own accounting.

A process of its own beside the morning's warehouse, whose lock it never takes. Data
flows one way:

    sources/     what comes from outside, as `reports.ExecutionReport`:
                 fix (drop copy), folder (CSV files that grow), propreports (polled,
                 late), simulator (synthetic); each says how it is (`SourceState`)
    -> session   takes each report under one lock: journal first, then engine; hands
                 out `figures.Snapshot` and wakes those who subscribed
    -> journal   append-only, one file a session: what came, and in which order
    -> engine    two FIFO levels per account and symbol, in scaled integers
                 (`amounts`): a `day` holds `fills` as columns, `books` match them,
                 `paths` know peaks; `valuation` makes `figures` of it
       opening   what was held last night, and the limits; `last_night` reads it from
                 the published copy

Who watches (limits, alerts, page) reads `Session.snapshot()` and `Session.subscribe()`.
All share what a look has worked out: figures of a scope in which nothing moved stay the
same object, by which the watch and the page know that they have nothing to do with it.

What a day comes to is a function of the reports that came, not of their order or of
when somebody looked: killed and started again, the figures are the same.
"""
