# ruff: noqa: E501  (a sentence is easier to read aloud on one line)
"""Plots of giving, sharing and swapping."""

from mmcourse.storyworld.language.plots.grammar import Plot, beat, fork

BIRTHDAY = Plot(
    "a present on the way", "A present for {B}", "bring {B} a present", "AB",
    things={"T": ("flower", "book", "boat", "lantern")},
    places={"home": ("garden", "village", "meadow"), "away": ("forest",), "far": ("beach", "pond")},
    starts="A scarf",
    beats=(
        beat("home", "A happy",
             "Tomorrow was the birthday of {B}, and {A} had chosen a {T}. {=A has T}",
             "{A} had also put on the long scarf that {B} had knitted for {A.him} in the winter. It went round {A.his} neck three times.",
             "{A} was {A!mood}. The way was long, so {A.he} set out early, {A!wears}.", things="T@ground"),
        fork(
            snow=(
                beat("away", "A sad",
                     "{place} it began to snow. {=weather snow} The path turned white, and then it turned into everything else.",
                     "{A} was {A!mood}. A present that arrives late is only a thing.", weather="snow", things="T@ground"),
                beat("away", "A happy",
                     "{A} unwound the scarf and tied one end to a tree. Now {A.he} could look for the path and always find the way back.",
                     "The third try was the right one. {A} was {A!mood}, and so, {A.he} thought, was the tree, which kept the scarf. {=A lost scarf}",
                     wear="A none", things="T@ground"),
            ),
            a_stream=(
                beat("away", "A angry",
                     "{place} there was a stream where last week there had been a path. {A} was {A!mood} with it.",
                     "\"You are in the wrong place,\" {A.he} told the water. The water went on being there.", weather="rain", things="T@ground"),
                beat("away", "A surprised",
                     "On the other side stood a stump. {A} made a loop of the scarf and threw. To {A.his} own surprise it held.",
                     "{A} was {A!mood}. {A.he} crossed hand over hand, and the scarf stayed there, a very thin bridge. {=A lost scarf}",
                     wear="A none", things="T@ground"),
            ),
        ),
        beat("far", "A happy, B surprised",
             "{B} had only just got up when {A} arrived {place}. {B} was {B!mood}.",
             "{A} gave {B.him} the {T} and told {B.him} about the scarf, very fast, with both arms. {=B has T} {=A give B}",
             act="give A B T", things="T@A", weather="clear", time="day"),
        beat("far", "A happy, B happy",
             "\"So my scarf brought my present,\" said {B}. \"I knitted it too long on purpose.\"",
             "{B} had not, but it was {B.his} birthday, so it was true. They hugged twice, once for each end of the scarf. {=B hug A}",
             act="hug B A", things="T@B"),
    ),
)  # fmt: skip

SWAPS = Plot(
    "one thing for another", "The long swap", "get the {U} for {B}", "ABC",
    things={"T": ("ball", "kite", "balloon"), "U": ("book", "boat", "lantern")},
    places={"home": ("meadow", "garden"), "away": ("village",), "far": ("beach", "pond", "mountains")},
    beats=(
        beat("home", "A happy, B sad",
             "{B} was {B!mood}. The other night {B.his} {U} had gone to the bottom of the well, and wells don't give back. {=B lost U}",
             "{A} had a {T} and a good idea. {=A has T} \"I will bring you another {U},\" said {A}. {=A wants U} \"Somebody always wants something.\"",
             things="T@A"),
        beat("away", "A happy, C happy",
             "{place} there lived {C}, {C.look}, who had everything twice and liked none of it.",
             "\"A {T}!\" cried {C}. \"I have two of those.\" \"This one,\" said {A}, \"has been thrown over a cow.\" {C} had nothing that had been thrown over a cow.",
             things="T@A"),
        fork(
            swap_at_once=(
                beat("away", "A surprised, C happy",
                     "{C} held out a {U} before {A} could ask. {A} was {A!mood}: good ideas seldom work so fast.",
                     "{C} gave {A} the {U} and took the {T}, and was {C!mood} about the cow for years. {=A has U} {=C has T} {=C give A} {=A lost T}",
                     act="give C A U", things="U@C"),
            ),
            ask_for_more=(
                beat("away", "A happy, C angry",
                     "\"For the cow I want two things,\" said {A}. That was one thing too many. {C} was {C!mood}.",
                     "\"Then keep your cow,\" said {C}, and shut the door so that the street jumped.", things="T@A"),
                beat("away", "A sad, C surprised",
                     "{A} stayed on the step until the windows were lit. {A} was {A!mood}. At last {A.he} knocked. \"It isn't for me,\" said {A}. \"It's for {B}.\"",
                     "{C} was {C!mood}. Nobody had ever told {C.him} what a thing was for. {C} gave {A} the {U} and asked for nothing. {=A has U} {=C give A}",
                     act="give C A U", things="U@C, T@A", time="night"),
            ),
        ),
        beat("home", "A happy, B happy",
             "{A} was home before breakfast. {A} gave {B} the {U}, and {B} was {B!mood} from ear to ear. {=B has U} {=A give B}",
             "\"What did it cost?\" asked {B}. \"Nothing,\" said {A}. \"Only a cow.\" {B} is still thinking about that.",
             act="give A B U", things="U@A", time="day"),
    ),
)  # fmt: skip

NEIGHBOUR = Plot(
    "the new neighbour", "Somebody new", "say hello to {B}", "AB",
    places={"home": ("village", "garden"), "away": ("pond", "forest", "beach")},
    starts="A scarf",
    beats=(
        beat("home", "A happy",
             "Somebody new had moved in: {B}, {B.look}. {A} had seen {B.him} through the hedge.",
             "{A} wanted to say hello. {A.he} practised on the gate, on the watering can and on a beetle. {=A wants friend}",
             "The beetle said nothing, but it listened to the end. {A}, {A!wears}, was {A!mood}."),
        beat("home", "A sad, B sad",
             "But when {B} came out, the word was gone. {A} looked at the sky. {B} looked at the ground. Neither had anything written on it.",
             "{A} was {A!mood}, and {B} was {B!mood}, and they went home by different sides of the same path."),
        fork(
            rain=(
                beat("away", "A surprised, B sad",
                     "The next day {=weather rain} rain caught {A} {place}. Under the only dry leaf stood {B}.",
                     "{A} was {A!mood}. {B} was shivering so hard that the leaf shook.", weather="rain", time="day"),
            ),
            snow=(
                beat("away", "A surprised, B sad",
                     "The next day {=weather snow} it snowed, and {place} {A} met a heap of snow. It sneezed. Behind it stood {B}.",
                     "{A} was {A!mood}. {B} came from a warm country and owned nothing thicker than a song.", weather="snow", time="day"),
            ),
        ),
        beat("away", "A happy, B surprised",
             "There are things that are quicker than words. {A} took off the scarf and wound it round {B}.",
             "{B}, {B!wears}, was {B!mood}. \"Hello,\" said {B}, from inside the wool.", wear="A none, B scarf"),
        beat("home", "A happy, B happy",
             "\"I had practised that,\" said {A}. \"So had I,\" said {B}, \"on a beetle.\"",
             "It was the same beetle. They laughed so much that they had to hug to stay upright, and the beetle told everyone. {=A hug B}",
             act="hug A B", weather="clear"),
    ),
)  # fmt: skip

PICNIC = Plot(
    "the friend who was late", "Late", "have a picnic with {B}", "ABC",
    things={"T": ("book", "boat", "ball")},
    places={"home": ("meadow", "beach", "pond"), "away": ("forest", "garden")},
    beats=(
        beat("home", "A happy sitting",
             "{A} sat on the blanket and waited for {B}. They had said noon, {place}, with cake.",
             "{A} was {A!mood}. The cake was {A.his} own, with a hole in the middle where the tasting had been.",
             time="day", weather="clear"),
        beat("away", "B surprised, C sad",
             "But on the way {B} heard somebody crying. {place} stood {C}, {C.look}, looking up.",
             "High in a tree hung a {T}. \"It is not even mine,\" said {C}, who was {C!mood}. {=C wants T} \"I promised to take care of it.\""),
        fork(
            climb=(
                beat("away", "B happy jumping, C surprised",
                     "{B} could not climb, but {B} could jump. {B} {B!does} eleven times, and ten of them were practice.",
                     "Down came the {T}, two apples and a nest that nobody had been using. {C} caught it. {=C has T} {C} was {C!mood}.",
                     things="T@C"),
            ),
            shake_the_tree=(
                beat("away", "B angry, C sad",
                     "{B} shook the tree. The tree shook {B}. {B} was {B!mood}, and the tree stayed as it was."),
                beat("away", "B surprised, C happy",
                     "\"Together?\" asked {C}. They counted to three, leaned, and down it came, on top of {C}. {=C has T} {C} was {C!mood}.",
                     things="T@C"),
            ),
        ),
        beat("home", "A angry, B sad",
             "The sun was nearly gone {=time sunset} when {B} reached the blanket. {A} was {A!mood}.",
             "\"Noon!\" said {A}. \"Look at it! Does that look like noon to you?\" They quarrelled across the whole cake. {=A quarrel B}",
             act="quarrel A B", time="sunset"),
        beat("home", "A surprised, B happy, C happy",
             "Then {C} came running with the {T} and the whole story, told backwards, as {C} told everything.",
             "{A} was {A!mood}. {A.he} looked at {B}, and then for a while at the cake.", things="T@C"),
        beat("home", "A happy, B happy, C happy",
             "\"There is a hole in the cake,\" said {A}. \"I was late for you too, you see. I was too early for the cake.\"",
             "{A} was {A!mood}, {B} was {B!mood}, {C} was {C!mood}, and the cake was gone before the light was."),
    ),
)  # fmt: skip

PLOTS = (BIRTHDAY, SWAPS, NEIGHBOUR, PICNIC)
