"""Where: subscriptions, resource groups, workspaces, registries, and the stores that their regions are bound to."""
