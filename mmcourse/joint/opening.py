"""The game that opens chapter 1: one scene, twenty captions, and which of them are true.

All captions are in the world's language, and the scene shows no pair of values that training never
saw. Four near misses differ from the right caption by one exchange or one word; two brief ones are
wrong in a single word. The page prints the game, and the lab plays it with the shipped model.
"""

from mmcourse.storyworld import Character, Scene, Thing

SCENE = Scene(
    characters=(
        Character("bear", "green", "scarf", "sad", "standing", "left", "Milo"),
        Character("fox", "orange", "crown", "surprised", "waving", "right", "Fern"),
    ),
    things=(Thing("lantern", "red", "middle"),),
    place="forest",
    time="night",
    weather="snow",
)
"""A sad green bear in a scarf and a surprised orange fox in a crown, in a snowy forest at night."""

_HERE = "in the forest at night in the snow"

CAPTIONS = (
    "a green frog jumping on the beach",
    "two bears and a purple balloon",
    "an orange cat in a hat, in the rain",
    f"a surprised green fox in a crown; a sad orange bear in a scarf, {_HERE}",
    "a white owl in the mountains at sunset",
    f"a surprised orange fox in a crown; a sad green bear in a scarf, {_HERE}",
    "an orange fox and a green bear in the village at night in the snow",
    "a red lantern in the meadow",
    "an angry purple cat by the sea",
    "an orange fox and a green bear in the forest at night in clear weather",
    f"a sad orange fox in a crown; a surprised green bear in a scarf, {_HERE}",
    "a fox in a crown in the snow",
    "an angry bear in a scarf",
    f"a surprised orange fox in a hat; a sad green bear in a scarf, {_HERE}",
    "three frogs and a mushroom",
    "a red flower and a blue ball",
    "a pink rabbit waving in the forest",
    f"a surprised orange frog in a crown; a sad green owl in a scarf, {_HERE}",
    "a yellow owl in the rain at night",
    "two foxes on the beach at sunset",
)
"""Numbered from 1 on the page; here, as everywhere in code, from 0."""

RIGHT = 5
"""The caption that says most of what is true (number 6 on the page)."""

TRUE = (5, 11)
"""The captions that are true: the right one, and a brief one (number 12 on the page)."""
