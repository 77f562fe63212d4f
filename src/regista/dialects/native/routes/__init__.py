"""One module per resource: a handler parses, calls one service, and returns what it said."""
