# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""Who tells the story: each voice begins, moves on, looks around and ends in its own way."""

from __future__ import annotations

from dataclasses import dataclass

TRAITS = (
    "who hummed when thinking",
    "who never left a biscuit alone",
    "who walked as if the ground were asleep",
    "who had an answer to most things and a question for the rest",
    "who kept a pebble for luck and talked to it",
    "who could sleep through a brass band",
    "who said good morning to puddles",
    "who had once been to the far end of the road",
    "who counted everything twice, to be fair",
    "who laughed a moment later than everyone else",
    "who could not whisper",
    "who believed in second breakfasts",
)


@dataclass(frozen=True)
class Voice:
    """A narrator. `opening` tells place, time and weather; X is whoever is being introduced."""

    name: str
    opening: tuple[str, ...]
    hero: tuple[str, ...]
    other: tuple[str, ...]
    place: tuple[str, ...]
    time: tuple[str, ...]
    weather: tuple[str, ...]
    mood: tuple[str, ...]
    ending: tuple[str, ...]


VOICES = (
    Voice(
        "plain",
        ("It was {time} {place}, and {weather}.", "This began {place}. It was {time}, and {weather}."),
        ("{X} was {X.look} {trait}.", "There lived {X.look} called {X}, {trait}."),
        ("{X} was {X.look}.", "{X}, {X.look}, lived not far away."),
        ("Now they were {place}.", "The next part happened {place}."),
        ("It was {time} by now.", "By then it was {time}."),
        ("Now {weather}.", "By then {weather}."),
        ("{X} was {X!mood}.", "{X} felt {X!mood}."),
        ("That is all, and it was enough.", "And then it was time for supper."),
    ),
    Voice(
        "grand",
        ("Long ago, {place}, when it was {time} and {weather}, this story opened its eyes.",
         "Hear what happened {place}! It was {time}, and {weather}."),
        ("There dwelt in those parts {X.look}, and the name was {X}, {trait}.",
         "The hero of this tale is {X}, {X.look} {trait}."),
        ("Let us greet {X}, {X.look} of good family.", "Now enters {X}, {X.look}."),
        ("The tale moves on, and finds itself {place}.", "And so, behold, we are {place}."),
        ("The hours went by, and it was {time}.", "And lo, it was {time}."),
        ("The heavens had changed their mind: {weather}.", "And behold, {weather}."),
        ("Great was the change: {X} was {X!mood}.", "Let it be written that {X} was {X!mood}."),
        ("So it is told, and whoever tells it otherwise was not there.",
         "Here the tale ends, and the teller wants a cup of tea."),
    ),
    Voice(
        "cheeky",
        ("Ready? It was {time}, we were {place}, and {weather}. Don't ask me why.",
         "You should have been there. It was {time} {place}, and {weather}."),
        ("This is {X}, {X.look} {trait}. I know. I said so too.",
         "You would like {X}, {X.look} {trait}. Nearly everyone does."),
        ("And that one is {X}, {X.look}. Wave, please.", "Oh, and {X} was there, {X.look}. Of course."),
        ("Turn the page: we are {place}.", "Guess where we are now. No: {place}."),
        ("Meanwhile it was {time}. I looked away for one moment.", "It was {time}. Clocks do that."),
        ("And guess what: {weather}.", "Oh yes, and {weather}. Nobody had asked for it."),
        ("If you want to know, {X} was {X!mood}.", "{X} was {X!mood}. Wouldn't you be?"),
        ("The end. Unless you ask again.", "And if you don't believe me, ask the beetle."),
    ),
    Voice(
        "hushed",
        ("Come closer. It was {time} {place}, and {weather}.", "Listen. {place} it was {time}, and {weather}."),
        ("That was where {X} lived, {X.look} {trait}.", "Somebody was awake: {X}, {X.look} {trait}."),
        ("In the same story lived {X}, {X.look}.", "Quietly, along came {X}, {X.look}."),
        ("Softly now: we are {place}.", "The wind went ahead and waited {place}."),
        ("It had become {time}, without a sound.", "Somewhere a door closed, and it was {time}."),
        ("Listen: {weather}.", "Nobody had noticed, but {weather}."),
        ("Deep down {X} was {X!mood}.", "One could hear that {X} was {X!mood}."),
        ("Sleep now. The story is asleep already, or nearly.", "Now it is quiet. Close the book slowly."),
    ),
)  # fmt: skip
