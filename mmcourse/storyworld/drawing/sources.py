"""Which modules draw: what any weights that were trained on pictures depend on."""

DRAWING = (
    *(
        f"mmcourse.storyworld.world.{name}"
        for name in ("colours", "dice", "identity", "sampling", "scene", "vocabulary")
    ),
    *(
        f"mmcourse.storyworld.drawing.{name}"
        for name in (
            *("arms", "backdrop", "brush", "characters", "cuts", "faces", "figure", "gardens"),
            *("glow", "heads", "interact", "markings", "neon", "paint", "places", "render"),
            *("round_ears", "shapes", "sheet", "sketch", "stage", "styles", "textures", "things"),
            *("views", "wardrobe", "watercolour"),
        )
    ),
)
"""The modules of StoryWorld that pictures are made by."""
