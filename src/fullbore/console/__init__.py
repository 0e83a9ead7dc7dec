"""People and networks. Its first verb: `stream`, a server that turns readouts into images as they arrive."""
