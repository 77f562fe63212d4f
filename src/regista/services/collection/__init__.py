"""Taking out the garbage: what is alive, what may go and when, and doing so once a day."""
