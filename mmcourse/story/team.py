"""Who does what: the reader's wish first, then whoever can, and always with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from mmcourse.story.abilities import (
    ABILITIES,
    Answerer,
    Backend,
    Captioner,
    Checker,
    Credit,
    Encoder,
    Extractor,
    Illustrator,
    MoodReader,
    Narrator,
    Writer,
)


class Team:
    """Backends in the order in which they are asked.

    Args:
        backends: who there is; the first that has an ability does it.
        wanted: who is asked first for an ability, such as {"illustrator": "tiny"}.

    Raises:
        ValueError: no backend, two of one name, or a wish that names nobody or no ability.
    """

    def __init__(
        self, backends: Sequence[Backend], wanted: Mapping[str, str] | None = None
    ) -> None:
        self.backends = tuple(backends)
        self.wanted = dict(wanted or {})
        names = [b.name for b in self.backends]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a team is one or more backends of different names, got {names}")
        for ability, name in self.wanted.items():
            if ability not in ABILITIES:
                raise ValueError(f"there is no ability {ability!r}; there are {list(ABILITIES)}")
            if name not in names:
                raise ValueError(f"no backend is called {name!r}; there are {names}")

    def who(self, ability: str, rather: str = "") -> tuple[object, Credit]:
        """Who does something, and the credit that says so.

        If the one who is asked lacks the ability, the next who has it does it, and the credit's
        `why` says why.

        Args:
            ability: what is to be done.
            rather: the name of a backend that is asked first if it has the ability and nobody was
                wished for.

        Raises:
            ValueError: nobody has it, with everybody's reason.
        """
        if ability not in ABILITIES:
            raise ValueError(f"there is no ability {ability!r}; there are {list(ABILITIES)}")
        able = {b.name for b in self.backends if ability in b.offers()}
        first = self.wanted.get(ability, rather if rather in able else None)
        order = sorted(self.backends, key=lambda b: b.name != first)
        reasons: list[str] = []
        for backend in order:
            if ability in backend.offers():
                credit = Credit(
                    ability, backend.name, backend.offers()[ability], "; ".join(reasons)
                )
                return backend.ability(ability), credit
            reasons.append(f"{backend.name}: {backend.lacks().get(ability, 'does not do this')}")
        raise ValueError(f"nobody here is a {ability}: {'; '.join(reasons)}")

    def can(self, ability: str) -> bool:
        """Whether anybody has an ability."""
        return any(ability in backend.offers() for backend in self.backends)

    # The same with the types that the abilities have.

    def writer(self) -> tuple[Writer, Credit]:
        return cast("tuple[Writer, Credit]", self.who("writer"))

    def extractor(self) -> tuple[Extractor, Credit]:
        return cast("tuple[Extractor, Credit]", self.who("extractor"))

    def captioner(self) -> tuple[Captioner, Credit]:
        return cast("tuple[Captioner, Credit]", self.who("captioner"))

    def answerer(self, which: str = "picture") -> tuple[Answerer, Credit]:
        """The answerer that looks at the "picture", or the one that reads the "story"."""
        return cast("tuple[Answerer, Credit]", self.who(f"{which} answerer"))

    def encoder(self) -> tuple[Encoder, Credit]:
        return cast("tuple[Encoder, Credit]", self.who("encoder"))

    def illustrator(self) -> tuple[Illustrator, Credit]:
        return cast("tuple[Illustrator, Credit]", self.who("illustrator"))

    def mood_reader(self) -> tuple[MoodReader, Credit]:
        return cast("tuple[MoodReader, Credit]", self.who("mood reader"))

    def checker(self, drawn_by: str = "") -> tuple[Checker, Credit]:
        """The checker of pictures that a backend drew: its own, if it has one, for what can be
        asked of a picture depends on the pen."""
        return cast("tuple[Checker, Credit]", self.who("checker", drawn_by))

    def narrator(self) -> tuple[Narrator, Credit]:
        return cast("tuple[Narrator, Credit]", self.who("narrator"))
