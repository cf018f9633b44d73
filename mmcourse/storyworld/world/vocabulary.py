"""What exists in StoryWorld: the closed list of every attribute and its values.

Everything else in the package (the renderer, the captions, the tokenizer, the judge) reads these
tuples, so adding a value here and drawing it in `heads`, `things` or `places` is all that a new
species or place takes. New values go last: splits hang on the order.
"""

SPECIES = ("fox", "cat", "rabbit", "bear", "frog", "owl", "mouse", "elephant")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white", "pink")
ACCESSORIES = ("none", "hat", "scarf", "crown")
MOODS = ("happy", "sad", "angry", "surprised")
ACTIONS = ("standing", "waving", "jumping", "sitting", "sleeping")
POSITIONS = ("left", "middle", "right")

KINDS = ("ball", "balloon", "flower", "mushroom", "lantern", "kite", "book", "boat")

PLACES = ("meadow", "forest", "beach", "mountains", "village", "garden", "pond")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow")
CAMERAS = ("medium", "close")
STYLES = ("flat", "watercolour", "neon", "sketch")
VARIATIONS = (0, 1, 2, 3)

INTERACTIONS = ("give", "follow", "hug", "quarrel")
MUTUAL = ("hug", "quarrel")
"""Interactions that look the same from both sides."""

NAMES = (
    *("Alma", "Basil", "Clover", "Dot", "Elio", "Fern", "Gus", "Hazel"),
    *("Iris", "Juno", "Kit", "Lark", "Milo", "Nell", "Olive", "Pip"),
    *("Quill", "Rue", "Sol", "Tansy", "Una", "Vale", "Wren", "Zuri"),
)

CHARACTER_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "species": SPECIES,
    "colour": COLOURS,
    "accessory": ACCESSORIES,
    "mood": MOODS,
    "action": ACTIONS,
}
THING_ATTRIBUTES: dict[str, tuple[str, ...]] = {"kind": KINDS, "thing_colour": COLOURS}
SCENE_ATTRIBUTES: dict[str, tuple[str, ...]] = {"place": PLACES, "time": TIMES, "weather": WEATHERS}
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    **CHARACTER_ATTRIBUTES,
    **THING_ATTRIBUTES,
    **SCENE_ATTRIBUTES,
}
"""Every readable attribute with its values, in a fixed order."""
