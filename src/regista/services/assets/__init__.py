"""Assets and their versions in both scopes; what their specifications refer to."""
