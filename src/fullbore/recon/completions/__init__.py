"""k-space goes in with gaps and comes out without."""
