"""Online endpoints: what the rows say, and the loop that makes it real."""
