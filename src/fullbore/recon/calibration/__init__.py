"""Coil maps, noise and the samples that calibrate them."""
