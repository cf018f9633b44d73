# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""The shortest way a story can take, and the longest."""

from mmcourse.storyworld.language.plots.grammar import Plot, beat, fork

BUMP = Plot(
    "a noise in the night", "Something said bump", "find out who is there", "AB",
    things={"T": ("ball",)},
    places={"home": ("village", "meadow"), "away": ("garden", "pond")},
    beats=(
        beat("home", "A surprised",
             "In the middle of the night {=time night} something outside said bump. {A} was {A!mood}: {A.he} had thought that everything was asleep.",
             "Bump, it said again. {A} wanted to know who it was. {=A wants answer} Not very much, but more than {A.he} wanted to lie there and not know.",
             time="night", weather="clear"),
        fork(
            go_out=(
                beat("away", "A angry",
                     "{place} it was as dark as the inside of a hat. \"Stop that!\" said {A} to the dark. {A} was {A!mood}, which is a way of not being afraid.",
                     "The dark thought about it. Bump, it said, quite near."),
            ),
            call_out=(
                beat("home", "A sad",
                     "{A} opened the door a crack. \"Nobody lives here,\" {A.he} called. There was a pause. \"Oh,\" said the dark.",
                     "Now {A} was {A!mood}. {A.he} had sent somebody away, and still did not know whom."),
            ),
        ),
        beat("home", "A happy, B happy",
             "But on the step sat {B}, {B.look}, with a {T}. {=B has T} \"I could not sleep,\" said {B}, \"and I did not like to knock.\"",
             "\"So you bumped,\" said {A}. \"That is how one doesn't knock,\" said {B}. {A} was {A!mood}. They bumped in turns, very softly, until there was nobody left awake to hear it.",
             things="T@B"),
    ),
)  # fmt: skip

SEA = Plot(
    "the boat that had not seen the sea", "As far as the sea", "show the {T} the sea", "ABC",
    things={"T": ("boat",), "U": ("lantern",)},
    places={"home": ("pond", "village"), "away": ("forest", "meadow"), "far": ("mountains",), "shore": ("beach",)},
    beats=(
        beat("home", "A happy",
             "{A} had built a {T}, and it was a good one: it floated, and it stayed where it was put. {=A has T}",
             "\"But it has never seen the sea,\" said {A}. \"A boat should.\" {=A wants sea} {A} was {A!mood} and ready to leave.",
             time="day", weather="clear", things="T@ground"),
        beat("home", "A happy, B surprised",
             "\"The sea is far,\" said {B}. {B} was {B!mood}. \"How far?\" asked {A}. \"Nobody has ever come back to say,\" said {B}, and went to pack.",
             things="T@A"),
        beat("away", "A happy, B happy",
             "{B} followed {A} {place}. {=B follow A} {B} had packed a map, a spoon, and a second spoon in case of guests.",
             "The map was of somewhere else. But it was a beautiful map, with a whale in one corner.", act="follow B A"),
        fork(
            the_bridge_is_gone=(
                beat("away", "A angry, B sad",
                     "On the map there was a bridge. Under the rain {=weather rain} there was none. {A} was {A!mood}. {B} turned the map round, but that did not help.",
                     "\"Then we'll have to cross on the map,\" said {A}. Nobody laughed, not even {A}.", weather="rain"),
            ),
            in_a_circle=(
                beat("away", "A surprised, B angry",
                     "After an hour they met footprints, and the footprints were their own. {A} was {A!mood}. They had nearly caught up with one another.",
                     "{B} was {B!mood} with the map, and folded it the wrong way on purpose."),
            ),
        ),
        beat("far", "A sad sitting, B sad",
             "In the evening {=time sunset} they stood {place}, and there was more world than before, and it had no end. {A} sat down and was {A!mood}.",
             "\"Perhaps there is no sea,\" said {A}. \"There has to be,\" said {B}. \"Where else would all the water go?\"",
             time="sunset", weather="clear"),
        beat("far", "A surprised, B happy, C happy",
             "When it was quite dark {=time night} a light came along the ridge. Behind the light came {C}, {C.look}, who went there every night to look for anybody who was lost.",
             "{C} gave {A} the {U}. {=A has U} {=C give A} \"Down that way,\" said {C}. \"Bring it back when you have seen enough.\" {A} was {A!mood}.",
             act="give C A U", things="U@C", time="night"),
        beat("shore", "A happy jumping, B surprised",
             "In the morning {=time day} the ground came to an end. {A} and {B} stood {place}, and everything after that was water. For a while {A} only {A!does}.",
             "Then {A.he} put the {T} on the water and let go. {=A lost T} It floated, and it did not stay where it was put. {B} was {B!mood}. \"It knows the way,\" said {B}.",
             time="day", things="T@ground"),
        beat("far", "A happy, B happy, C surprised",
             "On the way back {A} gave {C} the {U}. {=C has U} {=A give C} \"Well?\" asked {C}. \"How big is it?\"",
             "\"This big,\" said {A}, and opened {A.his} arms until {B} had to step aside. {C} was {C!mood}, and on clear nights {C.he} still looks in that direction.",
             act="give A C U", things="U@A"),
    ),
)  # fmt: skip

PLOTS = (BUMP, SEA)
