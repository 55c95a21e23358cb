{#
    An amount of a currency in the base currency, at a rate of int_exchange_rates; unknown
    without one. What is in the base currency stays as it is, and nothing is nothing. Exact on every engine below
    a thousand billion.
#}
{% macro in_base(amount, exchange_rate) -%}
    case
        when {{ exchange_rate }} = 1 or {{ amount }} = 0 then {{ amount }}
        when abs({{ amount }}) < 1000000000000
            then
                cast(
                    cast({{ amount }} as decimal(20, 8))
                    * cast({{ exchange_rate }} as decimal(17, 10)) as decimal(38, 8)
                )
        else
            cast(
                cast({{ amount }} as double) * cast({{ exchange_rate }} as double)
                as decimal(38, 8)
            )
    end
{%- endmacro %}

{# An amount of the base currency in that of an account, the other way round. #}
{% macro from_base(amount, exchange_rate) -%}
    case
        when {{ exchange_rate }} = 1 or {{ amount }} = 0 then {{ amount }}
        else cast(
            cast({{ amount }} as double) / cast({{ exchange_rate }} as double)
            as decimal(38, 8)
        )
    end
{%- endmacro %}

{# The rate that counts of a currency: 1 of the base currency, null where there is none. #}
{% macro rate_of(currency, rates) -%}
    case
        when {{ currency }} = '{{ var("base_currency") }}' then cast(1 as decimal(17, 10))
        else {{ rates }}.exchange_rate
    end
{%- endmacro %}

{#
    Joins the rate of a currency on a date, to be read by rate_of.

    rates: the alias, of int_exchange_rates.
#}
{% macro join_rates(rates, currency, date) -%}
    left join {{ ref('int_exchange_rates') }} as {{ rates }}
        on
            {{ currency }} = {{ rates }}.currency
            and {{ date }} >= {{ rates }}.valid_from
            and {{ date }} < {{ rates }}.valid_to
{%- endmacro %}
