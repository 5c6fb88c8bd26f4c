"""Configuration: contract files, secrets and what handlers are bound with. Imports no handler and no driver."""
