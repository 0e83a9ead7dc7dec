"""The key to every door: parse, call, print."""
