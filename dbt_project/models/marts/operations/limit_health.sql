{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per check of the limits for trading platforms, as of the latest morning.
    A count of 0 is a pass. What needs attention comes first, then what is only reported.
#}
{{ checks_with_index('limit_health', [
    'damaged_ledger',
    'drifted',
    'waiting',
    'not_sent',
    'unconfirmed',
]) }}
