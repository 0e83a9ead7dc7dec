"""The ground: constants of nature, units, tissue values. Imports nothing of ours but errors."""
