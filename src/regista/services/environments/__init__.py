"""From what an author wrote to a lock, from a lock to a folder to run in."""
