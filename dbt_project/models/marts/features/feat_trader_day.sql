{#
    Grain: one row per trader and trader day D (int_trader_days).
    All features, side by side: what the models learn from. Each theme is a mart of its
    own, which says how its features come about; every column is known at the close of D.
    The columns are those of the themes' yml: a feature added there is here.
#}
{{ config(pre_hook="{{ declare_feature_columns() }}") }}
{%- set themes = feature_themes() %}

with

{% for theme in themes %}
    {{ theme }} as (
        select * from {{ ref('feat_trader_day_' ~ theme) }}
    ),

{% endfor %}

final as (
    select
        {{ themes[0] }}.trader_id,
        {{ themes[0] }}.trade_date,
        {% for feature in declared_features() -%}
            {{ feature.theme }}.{{ feature.column.name }}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ themes[0] }}
    {% for theme in themes[1:] %}
        inner join {{ theme }}
            on
                {{ themes[0] }}.trader_id = {{ theme }}.trader_id
                and {{ themes[0] }}.trade_date = {{ theme }}.trade_date
    {% endfor %}
)

select * from final
