"""What exists in StoryWorld: the closed list of every attribute and its values.

Everything else in the package (the renderer, the captions, the tokenizer, the judge) reads these
tuples, so adding a value here and drawing it in `characters`, `things` or `backdrop` is all that a
new species or place takes.
"""

SPECIES = ("fox", "cat", "rabbit", "bear", "frog", "owl")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "white")
ACCESSORIES = ("none", "hat", "scarf", "crown")
MOODS = ("happy", "sad", "angry", "surprised")
ACTIONS = ("standing", "waving", "jumping")
POSITIONS = ("left", "middle", "right")

KINDS = ("ball", "balloon", "flower", "mushroom", "lantern")

PLACES = ("meadow", "forest", "beach", "mountains", "village")
TIMES = ("day", "sunset", "night")
WEATHERS = ("clear", "rain", "snow")
STYLES = ("flat",)
VARIATIONS = (0, 1, 2, 3)

NAMES = (
    *("Alma", "Basil", "Clover", "Dot", "Elio", "Fern", "Gus", "Hazel"),
    *("Iris", "Juno", "Kit", "Lark", "Milo", "Nell", "Olive", "Pip"),
    *("Quill", "Rue", "Sol", "Tansy", "Una", "Vale", "Wren", "Zuri"),
)

CHARACTER_ATTRIBUTES = {
    "species": SPECIES,
    "colour": COLOURS,
    "accessory": ACCESSORIES,
    "mood": MOODS,
    "action": ACTIONS,
}
THING_ATTRIBUTES = {"kind": KINDS, "thing_colour": COLOURS}
SCENE_ATTRIBUTES = {"place": PLACES, "time": TIMES, "weather": WEATHERS}
ATTRIBUTES = {**CHARACTER_ATTRIBUTES, **THING_ATTRIBUTES, **SCENE_ATTRIBUTES}
"""Every readable attribute with its values, in a fixed order."""
