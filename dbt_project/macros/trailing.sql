{# The window of a trader's last `days` traded days, the current one included. #}
{% macro trailing(days) -%}
    over (
        partition by trader_id order by trade_date
        rows between {{ days - 1 }} preceding and current row
    )
{%- endmacro %}
