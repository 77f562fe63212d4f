"""Documents: what users write, in the shape of Azure ML's CLI v2 YAML, read into values.

A document reaches this package as a mapping, loaded from YAML or decoded from JSON; nothing here opens a file. Each noun has
its module with ``parse_X(mapping, where="")``, which returns a frozen value or raises ``InvalidError`` naming the field.
Sources: the CLI (v2) YAML schemas of Azure ML's documentation, "reference-yaml-*", as of 2026.
"""
