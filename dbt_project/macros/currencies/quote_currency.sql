{#
    The currency that a pair is priced in, or null of what is no pair: a sign of its own
    or not, two legs with or without /, -, . or _ between. Of two legs that are not
    parted both are known currencies; what stands before a / may be any coin.
#}
{% macro quote_currency(symbol) -%}
    {%- set codes = [
        'AUD', 'BRL', 'CAD', 'CHF', 'CLP', 'CNH', 'CNY', 'COP', 'CZK', 'DKK', 'EUR', 'GBP',
        'HKD', 'HUF', 'IDR', 'ILS', 'INR', 'JPY', 'KRW', 'MXN', 'MYR', 'NOK', 'NZD', 'PHP',
        'PLN', 'RON', 'RUB', 'SAR', 'SEK', 'SGD', 'THB', 'TRY', 'TWD', 'USD', 'ZAR',
    ] | join('|') -%}
    nullif(
        coalesce(
            nullif(regexp_extract(
                upper({{ symbol }}),
                '^[^A-Z0-9]?({{ codes }}|XAU|XAG|XPT|XPD)[-./_]?({{ codes }})$',
                2
            ), ''),
            regexp_extract(upper({{ symbol }}), '^[^A-Z0-9]?[A-Z0-9]+/({{ codes }})$', 1)
        ),
        ''
    )
{%- endmacro %}
