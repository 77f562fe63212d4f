"""Assets as the SDK writes and reads them: one translator a kind, both directions, over the same versions as every other door.

resource      the requests that all kinds share: versions, names, lists, archiving
view          one answer's scope, ids and references
said          what is said about a version, and what only the SDK knows of it
origins       where a URI in a request leads; addresses: the URIs in answers
anonymous     the names that the SDK gives to what has none
models, data, environments, components (with nodes), codes
"""
