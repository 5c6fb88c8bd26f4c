"""A host on all four servers, each of which dies under load: what page, probe, metrics and log say of it."""
