"""Proximal maps of what is known of images."""
