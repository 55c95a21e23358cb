{#
    First FIFO level, as CTEs up to `fills_split`: of B bought and S sold in a symbol within a
    day, in regular fills, the first min(B, S) of each are matched.

    relation: one row per fill, with account_id, symbol, trade_date, fill_sequence, quantity,
        signed_quantity, is_buy and is_regular.
    also: what else is asked of the same windows, day_before, day_so_far, day_ahead and
        whole_day.
#}
{% macro fills_matched_within(relation, also=[]) -%}
    fills_sided as (
        select
            *,
            case when is_regular and is_buy then quantity else 0 end as bought_quantity,
            case when is_regular and not is_buy then quantity else 0 end as sold_quantity
        from {{ relation }}
    ),

    fills_numbered as (
        -- One order and one partition for all of them: DuckDB sorts once.
        select
            *,
            sum(bought_quantity) over day_so_far as bought_end,
            sum(sold_quantity) over day_so_far as sold_end,
            sum(bought_quantity) over whole_day as day_bought_quantity,
            sum(sold_quantity) over whole_day as day_sold_quantity,
            {{ (['sum(signed_quantity) over day_so_far as day_quantity_after'] + also) | join(', ') }}
        from fills_sided
        window
            day_so_far as (
                partition by account_id, symbol, trade_date order by fill_sequence
                rows between unbounded preceding and current row
            ),
            {% if also -%}
            day_before as (
                partition by account_id, symbol, trade_date order by fill_sequence
                rows between unbounded preceding and 1 preceding
            ),
            day_ahead as (
                partition by account_id, symbol, trade_date order by fill_sequence
                rows between 1 following and unbounded following
            ),
            {% endif -%}
            whole_day as (
                partition by account_id, symbol, trade_date order by fill_sequence
                rows between unbounded preceding and unbounded following
            )
    ),

    fills_placed as (
        select
            *,
            case when is_buy then bought_end else sold_end end as share_end
        from fills_numbered
    ),

    fills_matched as (
        select
            *,
            least(share_end, day_bought_quantity, day_sold_quantity) as matched_share_end
        from fills_placed
    ),

    fills_split as (
        select
            *,
            cast(
                case
                    when is_regular then greatest(matched_share_end - (share_end - quantity), 0)
                    else 0
                end as decimal(18, 8)
            ) as matched_quantity
        from fills_matched
    )
{%- endmacro %}
