"""From an encoded volume to its image."""
