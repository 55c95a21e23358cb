{# What was used of a limit, as one says it. #}
{% macro limit_words(rule, value) -%}
    case {{ rule }}
        when 'daily_loss' then 'down ' || {{ dollars_text(value) }} || ' in the day'
        when 'weekly_loss' then 'down ' || {{ dollars_text(value) }} || ' in the week'
        when 'monthly_loss' then 'down ' || {{ dollars_text(value) }} || ' in the month'
        when 'drawdown' then {{ dollars_text(value) }} || ' below the peak'
        when 'losing_streak' then {{ plain_number(value) }} || ' losing days in a row'
        when 'position' then 'held ' || {{ plain_number(value) }} || ' units of one symbol'
        when 'gross_exposure' then 'held ' || {{ dollars_text(value) }} || ' gross'
        when 'net_exposure' then 'held ' || {{ dollars_text(value) }} || ' net'
        when 'overnight_exposure' then 'held ' || {{ dollars_text(value) }} || ' overnight'
        when 'trades' then 'opened ' || {{ plain_number(value) }} || ' positions in a day'
    end
{%- endmacro %}

{# A limit in its unit: $1,000, 500 units, 5 days. #}
{% macro limit_amount_words(unit, value) -%}
    case
        when {{ unit }} = 'dollars' then {{ dollars_text(value) }}
        else {{ plain_number(value) }} || ' ' || {{ unit }}
    end
{%- endmacro %}

{# How many times: 3.4 times. #}
{% macro times_text(ratio) -%}
    cast(cast({{ ratio }} as decimal(18, 1)) as string) || ' times'
{%- endmacro %}
