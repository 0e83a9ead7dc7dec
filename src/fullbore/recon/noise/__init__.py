"""How the noise of the channels becomes the noise of the image."""
