# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""Plots of losing and finding."""

from mmcourse.storyworld.language.plots.grammar import Plot, beat, fork

LOST_BALL = Plot(
    "the lost ball", "{A} and the {T}", "find the {T}", "AB",
    things={"T": ("ball",)},
    places={"home": ("meadow", "garden", "village"), "away": ("forest", "pond")},
    beats=(
        beat("home", "A happy jumping, B happy",
             "{A} had a new {T}, and {A.he} wanted everyone to know it. {=A has T}",
             "\"Watch this!\" called {A}. {A} {A!does} and tried to catch the ball behind {A.his} back. | "
             "\"Nobody throws higher than me,\" said {A}. {A} {A!does} for joy and threw it at the sky.",
             "{B} watched quietly. {B} always saw where things went, because {B.he} talked less than the others.",
             things="T@A"),
        beat("home", "A sad, B surprised",
             "{A}'s ball came down somewhere else. {=A lost T}",
             "{A} looked left and right, and in {A.his} own footprints. {A} was {A!mood}.",
             "{B} was {B!mood}, for it had been a very good throw."),
        fork(
            down_the_hill=(
                beat("away", "A sad, B happy",
                     "\"It rolled this way,\" said {B}. \"It went past the thistle, and it was in a hurry.\"",
                     "They walked {place}. {A} asked the grass, the stones and one snail. None of them had seen a ball."),
                beat("away", "A surprised, B happy",
                     "Then {B} pointed with one paw. There it lay, between two roots, as if it had always lived there.",
                     "{A} was {A!mood}. The {T} had not even been looking for {A.him}.",
                     things="T@ground"),
            ),
            into_the_rain=(
                beat("away", "A angry, B sad",
                     "Halfway there it began to rain. {=weather rain} {A} was {A!mood} at the rain, the ball and the colour grey.",
                     "\"We should go home,\" said {A}. {B} shook {B.his} wet head. \"It bounced twice,\" said {B}, "
                     "\"and the second bounce was towards the water.\"", weather="rain"),
                beat("away", "A happy, B happy",
                     "{B} was right. In the biggest puddle of all floated the {T}, very clean.",
                     "{A} was {A!mood} again, and wet all over, and did not mind. {=A has T}",
                     things="T@A"),
            ),
        ),
        beat("home", "A happy, B happy",
             "That evening {=time sunset} {A} thought about it. {A.he} could throw, but {B} could see.",
             "{A} put the {T} into {B.his} arms. {=B has T} {=A give B} \"You keep it till tomorrow,\" said {A}. \"With you it stays found.\"",
             act="give A B T", things="T@A", time="sunset"),
    ),
)  # fmt: skip

KITE = Plot(
    "the kite that wished to leave", "The {T} that pulled", "keep hold of the {T}", "AB",
    things={"T": ("kite", "balloon")},
    places={"home": ("village", "garden"), "away": ("beach", "meadow"), "far": ("mountains",)},
    beats=(
        beat("home", "A happy, B surprised",
             "{A} had a {T} on a string, and the string pulled. {=A has T}",
             "\"It wants to go somewhere,\" said {B}. {B} was {B!mood}, for things seldom wanted anything.",
             "\"It may want what it likes,\" said {A}. \"I have tied it with three knots.\"", things="T@A"),
        beat("away", "A surprised, B happy",
             "{place}, the pulling grew stronger. First one knot gave way, then the next.",
             "{A} was {A!mood}. {B}, who knew about knots, looked at the third one and said nothing at all.",
             things="T@A"),
        fork(
            hold_on=(
                beat("far", "A angry, B sad",
                     "{A} would not let go, and the {T} pulled {A.him} up the path {place}.",
                     "\"Let go!\" called {B}. \"Never!\" called {A}. {A} was {A!mood}, and {A.his} arms were longer than before.",
                     things="T@A"),
                beat("far", "A sad, B happy",
                     "At the top there was no more path. {A} was {A!mood}. \"If I let go, it is gone,\" said {A}.",
                     "\"And if you don't,\" said {B}, \"you are.\" That was true, so {A} opened one hand, and then the other. {=A lost T}"),
            ),
            let_it_go=(
                beat("away", "A sad, B happy",
                     "{A} looked at the third knot for a long time. Then {A.he} undid it. {=A lost T}",
                     "Up it went, over the roofs and the weather. {A} was {A!mood}, but only from the knees down."),
            ),
        ),
        beat("home", "A happy waving, B happy waving",
             "Now every evening they look up. {A} {A!does}, and {B} {B!does}.",
             "Sometimes, very high, a small spot nods. \"It writes often,\" says {A}.",
             time="sunset"),
    ),
)  # fmt: skip

LANTERN = Plot(
    "the dark wood", "{A} and the long dark", "see the stars from the mountains", "AB",
    things={"T": ("lantern",)},
    places={"home": ("village", "garden"), "away": ("forest",), "far": ("mountains",)},
    beats=(
        beat("home", "A sad, B happy",
             "{B} had told {A} about the stars: from the mountains you can nearly hear them. {=A wants stars}",
             "{A} wanted to hear them too. But between {A.him} and the mountains lay the forest, and in the forest lay the dark.",
             "\"How dark is it?\" asked {A}. {A} was {A!mood}. \"Exactly as dark as a cupboard,\" said {B}, \"but with more room.\"",
             time="sunset"),
        beat("home", "A surprised, B happy",
             "{B} brought a {T}. \"My aunt gave it to me,\" said {B}, \"because I used to be afraid of cupboards.\"",
             "{B} gave it to {A} and taught {A.him} to count steps. {=A has T} {=B give A} \"What you have counted can't frighten you.\"",
             act="give B A T", things="T@B"),
        fork(
            the_lantern_goes_out=(
                beat("away", "A sad, B surprised",
                     "{place} they had counted two hundred steps when the wind blew the lantern out.",
                     "Nobody said anything. {A} was {A!mood}. Somewhere a twig made a remark.", time="night"),
                beat("away", "A happy, B happy",
                     "\"Two hundred and one,\" whispered {A}. It was the smallest voice in the wood, but it took a step, and {B} took one too.",
                     "At three hundred {A} was {A!mood}. The dark had not grown smaller; it had only been counted."),
            ),
            something_breathes=(
                beat("away", "A surprised, B surprised",
                     "{place} something was breathing. In, out. In, out. {A} was {A!mood}, and so was {B}.",
                     "\"Is that you?\" asked {B}. \"I have stopped,\" said {A}. \"I thought it was you.\"", time="night", things="T@A"),
                beat("away", "A happy, B happy",
                     "By the light of the {T} {A} took one counted step, and then another. It was a tree, asleep, with the wind in it.",
                     "{A} laughed till the light shook. {A} was {A!mood}.", things="T@A"),
            ),
        ),
        beat("far", "A happy, B happy",
             "{place} the trees stopped and the stars began. There were too many to count, so {A} stopped counting.",
             "{A} listened. \"Well?\" asked {B}. \"They say,\" said {A}, \"that they can nearly hear us.\"",
             time="night", weather="clear"),
    ),
)  # fmt: skip

HAT = Plot(
    "who took the hat", "The hat that walked", "get the hat back", "ABC",
    places={"home": ("garden", "village"), "away": ("pond", "beach", "meadow")},
    starts="A hat",
    beats=(
        beat("home", "A happy, C sad",
             "It was the first warm day, and {A} took a walk {A!wears}.",
             "On the way {A.he} met {C}, who was {C!mood} about the sun in {C.his} eyes.",
             "\"You may have anything of mine,\" said {A}, who liked to say such things. Then {A.he} lay down and forgot it.",
             time="day", weather="clear"),
        beat("home", "A surprised",
             "When {A} woke, {A.his} head felt light. {=A lost hat} {A} was {A!mood}. The hat was gone!",
             wear="A none"),
        beat("home", "A angry, B sad",
             "Just then {B} came by, whistling. It was bad luck to be whistling.",
             "\"You took it!\" cried {A}. {A} was {A!mood}. \"I took nothing but a walk,\" said {B}. They quarrelled until the birds left. {=A quarrel B}",
             act="quarrel A B"),
        fork(
            follow_the_tracks=(
                beat("away", "A angry, B sad",
                     "There were footprints, neither {A.his} nor {B.his}. {A} followed them, and {B} followed {A}. {=B follow A}",
                     "They led them {place}. {B} was {B!mood}, and walked beside the footprints so as not to spoil them.",
                     act="follow B A"),
            ),
            set_a_trap=(
                beat("away", "A angry, B surprised",
                     "{A} set a trap: a second hat, made of leaves, on a stick, {place}.",
                     "They waited behind a bush. {B} was {B!mood}. \"That hat looks better than the old one,\" whispered {B}."),
            ),
        ),
        beat("away", "A surprised, C happy, B happy",
             "And there came {C}, {C!wears}, with shade all over {C.his} face. {C} was {C!mood}.",
             "\"You said I might have anything,\" said {C}. {A} opened {A.his} mouth. {A.he} had said exactly that.",
             wear="C hat"),
        beat("away", "A sad, B happy",
             "{A} turned to {B}. {A} was {A!mood}. \"I shouted at the wrong one,\" said {A}. \"Today there was no right one.\"",
             "{B} thought it over for as long as was fair. Then they hugged, and {B} taught {A} to whistle. {=A hug B}",
             act="hug A B"),
    ),
)  # fmt: skip

PLOTS = (LOST_BALL, KITE, LANTERN, HAT)
