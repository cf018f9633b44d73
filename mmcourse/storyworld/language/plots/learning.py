# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""Plots in which somebody changes their mind."""

from mmcourse.storyworld.language.plots.grammar import Plot, beat, fork

KING = Plot(
    "the finder of the crown", "King for a day", "be king of everything", "ABC",
    places={"home": ("meadow", "garden", "pond"), "away": ("village", "mountains")},
    beats=(
        beat("home", "A surprised, B happy",
             "Under a leaf {A} found a crown. {=A has crown} {A} was {A!mood}.",
             "\"Somebody has lost it,\" said {B}. \"Then somebody is no longer king,\" said {A}, \"and it has to be me.\"",
             time="day"),
        beat("home", "A happy, B sad, C sad",
             "So {A} stood on a stump, {A!wears}, and ruled. The grass was to stop growing. {B} and {C} were to bow.",
             "{B} bowed. {B} was {B!mood}, for the grass did not stop growing and nobody was cross with the grass.", wear="A crown"),
        fork(
            the_friends_leave=(
                beat("away", "A angry",
                     "By the afternoon {A} had made forty laws, and there was nobody left to break them.",
                     "{A} went to look {place}. {A} was {A!mood}. \"I order you to come back!\" {A.he} shouted. The echo came back."),
                beat("away", "A sad sitting",
                     "{A} sat down. The crown slipped over {A.his} eyes. It was quite dark in there.",
                     "{A} was {A!mood}. It is hard to be king of one, and the one was not happy with the king.", time="sunset"),
            ),
            a_guest_bows=(
                beat("away", "A happy, C surprised",
                     "{place} a very small beetle walked past without bowing. {C} was {C!mood} that anyone dared.",
                     "\"I am the king!\" said {A}. \"I'm late,\" said the beetle, and it went on, because it was."),
                beat("away", "A sad, C happy",
                     "{A} thought about it. The beetle had somewhere to be. {A} had a stump. {A} was {A!mood}.",
                     "\"What does a king do in the evening?\" asked {A}. \"Kings go home too, I think,\" said {C}.", time="sunset"),
            ),
        ),
        beat("home", "A happy, B surprised, C happy",
             "In the evening {=time sunset} {A} took the crown off and put it back under its leaf, where whoever had lost it could find it. {=A lost crown}",
             "\"Law number forty-one,\" said {A}. \"No more laws.\" {B} was {B!mood}. {C} was {C!mood}, and so was the grass.",
             wear="A none", time="sunset"),
    ),
)  # fmt: skip

RACE = Plot(
    "the race", "Who was first", "win the race", "AB",
    things={"T": ("lantern",)},
    places={"home": ("village", "meadow"), "away": ("forest",), "far": ("beach", "pond", "mountains")},
    beats=(
        beat("home", "A happy jumping, B happy",
             "{A} was fast. {A.he} said so at breakfast, and at the second breakfast.",
             "\"I race anyone,\" said {A}. {A} {A!does} to show how. \"I will,\" said {B}, who was never in a hurry.",
             "{B} packed a {T}, an apple and a spoon. \"For a race?\" asked {A}. \"For the evening,\" said {B}. {=B has T}",
             time="day", things="T@B"),
        beat("away", "A happy jumping",
             "{place} {A} was so far ahead that there was nobody to be ahead of. So {A.he} {A!does} on every root, to have something to do.",
             "It was a good day for roots. Evening came {=time sunset} while {A} was on the fortieth.", time="sunset"),
        fork(
            lost=(
                beat("away", "A sad",
                     "In the dark {=time night} all paths look like one another. {A} ran down four of them, very fast, and came back to the same tree.",
                     "{A} was {A!mood}. It is possible to be first and nowhere.", time="night"),
            ),
            a_sore_foot=(
                beat("away", "A sad sitting",
                     "The forty-first root was ready for {A.him}. Down {A.he} went. {A} held {A.his} foot and was {A!mood}.",
                     "\"I could hop,\" {A.he} told the tree. But hopping is not racing.", time="night"),
            ),
        ),
        beat("away", "A surprised, B happy",
             "Then a small light came along, one step at a time. Behind it came {B}, with the spoon. {A} was {A!mood}.",
             "{B} could have walked past, and won. {B} stopped, and gave {A.him} the apple.", things="T@B"),
        fork(
            together=(
                beat("far", "A happy, B happy",
                     "They reached the end at the same step, {place}. {A} was {A!mood}, and checked it twice.",
                     "\"Who was first?\" asked the gulls, who like to know such things. \"The lantern,\" said {A}.", things="T@B", time="night"),
            ),
            step_aside=(
                beat("far", "A happy, B surprised",
                     "One step before the end, {place}, {A} stopped. \"After you,\" said {A}. {B} was {B!mood}.",
                     "So {B} won, with a spoon. {A} told everyone about it at breakfast, and at the second breakfast.", things="T@B", time="night"),
            ),
        ),
    ),
)  # fmt: skip

SNOW = Plot(
    "the wish for snow", "Enough snow", "have snow", "AB",
    places={"home": ("garden", "village"), "away": ("mountains", "forest", "meadow")},
    starts="B hat",
    beats=(
        beat("home", "A sad, B happy",
             "{A} had a new sledge and no snow. {A} was {A!mood} every morning, beside the window. {=A wants snow}",
             "{B}, {B!wears}, knew a rule. \"You have to wish backwards,\" said {B}. \"That's how the clouds hear it.\"",
             weather="clear"),
        beat("home", "A happy jumping, B happy",
             "\"Wons,\" said {A}. \"Wons, wons, wons.\" In the night something soft sat down on the roof.",
             "{A} {A!does} out of the door, and {B} came after, and {weather}. {A} was {A!mood}.", weather="snow", time="day"),
        fork(
            too_much=(
                beat("away", "A surprised, B sad",
                     "But nobody had told the snow when to stop. {place} it came up to the knees, and then to the jokes.",
                     "{A} was {A!mood}. \"How do you wish it away?\" asked {A}. \"Forwards, I think,\" said {B}, whose teeth were busy."),
            ),
            the_sledge_sticks=(
                beat("away", "A angry, B sad",
                     "{place} the sledge stuck, and would go neither up nor down. {A} was {A!mood} with it.",
                     "{A} pulled and {B} pushed. Then they found that each had been pushing the other."),
            ),
        ),
        beat("away", "A sad, B happy",
             "{A} was {A!mood}, and the tips of {A.his} ears were cold. So {B} did what {B.he} had planned to do if it came to ears.",
             "{B} pulled off the hat and pulled it down over {A}. It was far too big, and that was the good thing about it.",
             wear="B none, A hat"),
        beat("home", "A happy, B happy",
             "They came home on one sledge, under one hat, {A} with the left half and {B} with the right.",
             "They hugged at the gate and again at the door. {=A hug B} \"Next time,\" said {A}, \"I will wish for soup.\" {A} was {A!mood}. \"Puos,\" said {B} at once.",
             act="hug A B", time="sunset"),
    ),
)  # fmt: skip

SIGNAL = Plot(
    "the wave that was seen", "Two waves and a hop", "bring {B} home in the dark", "AB",
    things={"T": ("lantern",)},
    places={"home": ("beach", "pond"), "away": ("forest", "mountains"), },
    beats=(
        beat("home", "A happy waving, B happy waving",
             "{A} and {B} had a signal of their own: two waves and a hop. It meant: I see you, and I am me.",
             "{A} {A!does}, {B} {B!does}, and both forgot the hop, as usual. Then {B} went to pick berries.", time="day"),
        beat("away", "B sad",
             "The berries were good, and each was a little further off than the last. When {B} looked up, {place}, it was dark. {=time night}",
             "{B} was {B!mood}. {B.his} mouth was full, and there was no path in any direction. {=B lost path}", time="night"),
        fork(
            a_light_is_lit=(
                beat("home", "A sad waving",
                     "{A} counted the plates, and there was one too many. {A} was {A!mood}. {A.he} took the {T} to the shore and {A!does}. {=A has T}",
                     "A light on a shore could be anyone's. So {A.he} waved twice, and hopped.", things="T@ground"),
                beat("away", "B surprised",
                     "Far below {B} saw a light go left, right, left, right and up. {B} was {B!mood}. Lights don't hop."),
            ),
            a_fire_is_far=(
                beat("away", "B happy",
                     "Down in the valley there was a light! {B} was {B!mood} and {B} ran to it. But it was only a glow-worm on the way home."),
                beat("home", "A angry waving",
                     "At home {A} was {A!mood} with the dark. {A.he} lit the {T} and {A!does}, and went on, though {A.his} arm was asleep. {=A has T}",
                     "Two waves and a hop. Two waves and a hop. The crabs went indoors.", things="T@ground"),
            ),
        ),
        beat("home", "A happy, B happy",
             "It was late when {B} came up the path, with one berry left. {A} was {A!mood}.",
             "\"How did you know it was me?\" asked {A}. \"You forgot the hop the first time,\" said {B}. \"You always do.\" And {B} hugged {A}. {=B hug A}",
             act="hug B A", things="T@A"),
    ),
)  # fmt: skip

QUARREL = Plot(
    "the thing with two owners", "Mine", "have the {T} alone", "ABC",
    things={"T": ("balloon", "boat", "book", "kite")},
    places={"home": ("beach", "meadow", "pond"), "away": ("village", "garden")},
    beats=(
        beat("home", "A happy, B happy, C happy",
             "{A} saw the {T} first. {=A wants T} {B} touched it first. {=B wants T} {C} had told them both where to look.",
             "\"Half each,\" said {C}. \"You can't have half,\" said {A} and {B}, and that was the last thing they agreed on.",
             things="T@ground"),
        beat("home", "A angry, B angry",
             "\"Mine!\" said {A}. \"Mine!\" said {B}. {A} was {A!mood}, and {B} was {B!mood}. {A} and {B} quarrelled so long that {C} went home for lunch. {=A quarrel B}",
             "They pulled at one end and at the other end, and neither looked at the middle.",
             act="quarrel A B", things="T@A"),
        fork(
            it_tears=(
                beat("home", "A surprised, B sad",
                     "Then there was a small sound, the kind that is never good news. Now there were two halves.",
                     "{A} was {A!mood}. {B} was {B!mood}. Each had a half, just as {C} had said, and nobody wanted it."),
                beat("away", "A sad, B sad, C happy",
                     "They carried the halves to {C}, one each, and held the doors for one another.",
                     "\"Glue,\" said {C}, \"takes four hands. I'll hold the lamp.\" {A} and {B} had four hands between them.", time="sunset"),
            ),
            it_is_gone=(
                beat("home", "A surprised, B surprised",
                     "When they stopped to breathe, the {T} was not there. {A} was {A!mood}, and so was {B}.",
                     "Somebody had come, and found a thing that nobody was holding, because both were busy shouting."),
                beat("away", "A sad, B sad, C happy",
                     "They found it with {C}. \"It looked lonely,\" said {C}. \"You may have it when you can say whose it is.\"",
                     "{A} was {A!mood}. {A.he} looked at {B}. \"Yours,\" said {A}. And {B} said, at the same moment: \"Yours.\"",
                     things="T@C", time="sunset"),
            ),
        ),
        beat("home", "A happy, B happy",
             "Now the {T.kind} is at {A.his} house on the even days and at {B.his} house on the odd ones.",
             "On the thirty-first there is a quarrel about it, but only a short one, to keep in practice. Then {A} and {B} hug. {=A hug B}",
             act="hug A B", things="T@A", time="day"),
    ),
)  # fmt: skip

PLOTS = (KING, RACE, SNOW, SIGNAL, QUARREL)
