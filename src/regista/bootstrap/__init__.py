"""Putting it together: the only ring that names concrete drivers. Settings in, a running application out."""
