"""What was done and what was read: the book of reads, the pages of the audit, the feed of events."""
