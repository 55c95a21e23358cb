{#
    Legs of fills: one row per fill, or two where it passes through zero: the leg that
    closes the old position, then the leg that opens the new one. For round trips only; no
    P&L of a day is computed from it. A split fill's fees go with its quantity.

    relation: one row per fill, with signed_quantity, position_after, total_fees and
        fill_sequence.
    also: names of further columns that pass through.
#}
{% macro fill_legs(relation, also) -%}
    with

    fills_placed as (
        select
            *,
            position_after - signed_quantity as position_before,
            (position_after > 0 and position_after - signed_quantity < 0)
            or (position_after < 0 and position_after - signed_quantity > 0)
                as crosses_zero
        from {{ relation }}
    ),

    fees_split as (
        select
            *,
            -- The share of the fees that closes; the opening leg takes the rest.
            {{ to_amount(
                'cast(total_fees as double) * '
                ~ safe_divide('abs(position_before)', 'abs(signed_quantity)')
            ) }} as closing_fees
        from fills_placed
    ),

    legs as (
        select
            *,
            1 as leg_number,
            case when crosses_zero then -position_before else signed_quantity end
                as leg_quantity,
            case when crosses_zero then 0 else position_after end as leg_position_after
        from fees_split
        union all
        select
            *,
            2 as leg_number,
            position_after as leg_quantity,
            position_after as leg_position_after
        from fees_split
        where crosses_zero
    )

    select
        ---------- keys
        account_id,
        trader_id,
        symbol,
        fill_sequence,
        -- Two numbers per fill: the order is all that counts.
        2 * fill_sequence + leg_number - 2 as leg_sequence,
        day_sequence,
        ---------- numbers
        leg_quantity as signed_quantity,
        leg_position_after as position_after,
        multiplier,
        price,
        case
            when not crosses_zero then cast(total_fees as decimal(38, 8))
            when leg_number = 1 then closing_fees
            else total_fees - closing_fees
        end as total_fees,
        ---------- flags
        crosses_zero and leg_number = 1 as is_closing_part,
        has_fill_time,
        ---------- times
        trade_date,
        filled_at_et,
        ---------- whatever else
        {{ also | join(', ') }}
    from legs
{%- endmacro %}
