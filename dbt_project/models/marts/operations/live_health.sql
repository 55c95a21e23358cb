{{ config(tags=['after_scoring']) }}
{#
    Grain: one row per check of the live desk's past sessions, as of the latest morning.
    A count of 0 is a pass.
#}
{{ checks_with_index('live_health', [
    'damaged_journal',
]) }}
