"""One module a resource: from what the SDK sends to Regista's documents, and from entities to what the SDK reads."""
