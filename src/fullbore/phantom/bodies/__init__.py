"""The digital patients, a file each."""
