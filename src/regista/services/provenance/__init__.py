"""What led to what: lineage, capsules, traces, comparisons."""
