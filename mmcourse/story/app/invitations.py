"""Twelve ways to begin, each with its picture. Their words are the world's own."""

from __future__ import annotations

from dataclasses import dataclass

from mmcourse.storyworld.world.scene import Character, Interaction, Scene, Thing


@dataclass(frozen=True)
class Invitation:
    """What is offered: a few words on the card, the sentence that begins, and how it looks."""

    title: str
    prompt: str
    scene: Scene


def _who(species: str, colour: str, mood: str = "happy", action: str = "standing",
         position: str = "middle", accessory: str = "none", name: str = "Pip",
         identity: tuple[float, ...] = ()) -> Character:  # fmt: skip
    return Character(species, colour, accessory, mood, action, position, name, identity)


INVITATIONS = (
    Invitation(
        "A light on the sand",
        "an orange fox finds a yellow lantern on the beach at night",
        Scene((_who("fox", "orange", "surprised", position="left"),),
              (Thing("lantern", "yellow", "right"),), "beach", "night"),
    ),
    Invitation(
        "The kite that left",
        "a sad white rabbit with a scarf has lost a red kite in the mountains",
        Scene((_who("rabbit", "white", "sad", position="left", accessory="scarf"),),
              (Thing("kite", "red", "right"),), "mountains", "day", variation=1),
    ),
    Invitation(
        "First snow",
        "a blue bear with a scarf walks through the snow in the forest",
        Scene((_who("bear", "blue", "happy", "waving", accessory="scarf"),), (), "forest", "day",
              "snow", variation=2),
    ),
    Invitation(
        "The frog king",
        "a green frog with a crown sits at the pond",
        Scene((_who("frog", "green", "happy", "sitting", accessory="crown"),),
              (Thing("ball", "yellow", "left"),), "pond", "sunset"),
    ),
    Invitation(
        "Two and one balloon",
        "a purple elephant gives a yellow mouse a red balloon in the meadow",
        Scene((_who("elephant", "purple", position="left", name="Juno"),
               _who("mouse", "yellow", position="right", name="Dot")),
              (Thing("balloon", "red", "left"),), "meadow", "day",
              interaction=Interaction("give", "left", "right", "balloon")),
    ),
    Invitation(
        "Who cannot sleep?",
        "a purple owl is awake at night in the village",
        Scene((_who("owl", "purple", "surprised", identity=(0.2, 0, 0.6, 0, 0, 0, 0.3, 0.8)),),
              (Thing("lantern", "orange", "right"),), "village", "night", variation=3),
    ),
    Invitation(
        "A boat for the sea",
        "an orange cat with a hat has a blue boat at the pond",
        Scene((_who("cat", "orange", "happy", "jumping", "left", "hat"),),
              (Thing("boat", "blue", "right"),), "pond", "day", variation=2),
    ),
    Invitation(
        "A quarrel in the garden",
        "an angry pink cat and an angry red fox quarrel about a blue ball in the garden",
        Scene((_who("cat", "pink", "angry", position="left", name="Rue"),
               _who("fox", "red", "angry", position="middle", name="Gus")),
              (Thing("ball", "blue", "right"),), "garden", "day", variation=1,
              interaction=Interaction("quarrel", "left", "middle")),
    ),
    Invitation(
        "The book in the rain",
        "a white mouse finds a red book in the rain in the village",
        Scene((_who("mouse", "white", "surprised", position="left"),),
              (Thing("book", "red", "right"),), "village", "sunset", "rain"),
    ),
    Invitation(
        "Mushroom time",
        "an orange bear and a pink rabbit look for a red mushroom in the forest",
        Scene((_who("bear", "orange", position="left", name="Basil"),
               _who("rabbit", "pink", position="middle", name="Clover")),
              (Thing("mushroom", "red", "right"),), "forest", "sunset"),
    ),
    Invitation(
        "Far from home",
        "a sad pink elephant is lost in the mountains at sunset",
        Scene((_who("elephant", "pink", "sad", "sitting"),), (), "mountains", "sunset"),
    ),
    Invitation(
        "A flower that nobody planted",
        "a green frog finds a purple flower in the garden",
        Scene((_who("frog", "green", "surprised", position="left", name="Sol"),),
              (Thing("flower", "purple", "right"),), "garden", "day", variation=2),
    ),
)  # fmt: skip
