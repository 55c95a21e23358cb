{#
    The window of a trader's last `days` traded days: the current one included, or, with
    `previous`, the `days` before it.
#}
{% macro trailing(days, previous=false) -%}
    over (
        partition by trader_id order by trade_date
        rows between {{ days if previous else days - 1 }} preceding
        and {{ '1 preceding' if previous else 'current row' }}
    )
{%- endmacro %}
