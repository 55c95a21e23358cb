{#
    Grain: one row per check of the data, each with what was found and how to fix it.
    A count of 0 is a pass. What needs attention comes first, then what is only told.
#}
{{ checks_with_index('data_quality', [
    'stale',
    'quarantined',
    'unreconciled',
    'no_multiplier',
    'unlisted_account',
    'accounts_off_the_list',
    'foreign_currency',
    'unmapped_adjustments',
    'unclear_roles',
    'masters_differ',
    'gate_warnings',
    'negative_prices',
    'renamed_accounts',
    'unknown_columns',
    'symbol_spellings',
    'spreadsheet_traces',
    'unread_files',
    'unknown_status',
    'unmatched_limits',
    'accepted_warnings',
    'corrected_days',
    'signed_off_breaks',
    'orders_differ',
    'broker_figures',
    'journal_entries',
    'closed_exchange',
    'unused_seed_lines',
    'unused_sign_offs',
]) }}
