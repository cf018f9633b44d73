"""Which modules draw: what any weights that were trained on pictures depend on."""

DRAWING = (
    *("arms", "backdrop", "brush", "characters", "cuts", "dice", "faces", "figure"),
    *("gardens", "glow", "heads", "identity", "interact", "markings", "neon", "paint", "places"),
    *("render", "round_ears", "sampling", "scene", "shapes", "sheet", "sketch", "stage"),
    *("styles", "textures", "things", "views", "vocabulary", "wardrobe", "watercolour"),
)
"""The modules of StoryWorld that pictures are made by."""
