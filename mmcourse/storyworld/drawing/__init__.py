"""How a scene becomes a picture: paper cuts, light, styles, views, depth and movement."""
