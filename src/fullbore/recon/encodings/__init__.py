"""The linear models of a scan, each with its data made ready."""
