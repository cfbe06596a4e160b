"""The values that a run has stored."""

STORED = """
select venue_id, customer_id, currency, is_main, basis, purchase_count, historic_minor, expected_minor,
       low_minor, high_minor, expected_purchases, alive_probability, model, newest_fact_at
  from customer_lifetime_value where tenant_id = $1 order by venue_id, customer_id, currency
"""
