"""Who may: callers and their grants, principals and keys, roles, what stays hidden."""
