"""The judge: a network that reads a picture back into facts. Only measurements may ask it."""
