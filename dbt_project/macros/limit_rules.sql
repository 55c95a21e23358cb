{# The rules of the desk, and the column of limits.csv that says the limit of each. #}
{% macro limit_rules() -%}
    {{ return({
        'daily_loss': 'daily_loss_limit_amount',
        'weekly_loss': 'weekly_loss_limit_amount',
        'monthly_loss': 'monthly_loss_limit_amount',
        'drawdown': 'drawdown_limit_amount',
        'losing_streak': 'losing_streak_limit_days',
        'position': 'position_limit_quantity',
        'gross_exposure': 'gross_exposure_limit_amount',
        'net_exposure': 'net_exposure_limit_amount',
        'overnight_exposure': 'overnight_exposure_limit_amount',
        'trades': 'trades_limit_count',
    }) }}
{%- endmacro %}
