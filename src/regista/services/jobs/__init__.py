"""Jobs as rows: references made exact, plans, pipelines, reuse, what is known of an attempt."""
