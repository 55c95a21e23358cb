{#
    The broker's own displayed figures add up. A warning: what does not is the broker's,
    and stops no morning.
#}
{{ config(severity='warn') }}
select
    account_id,
    trade_date,
    identity_name,
    difference_amount
from {{ ref('int_broker_identities') }}
