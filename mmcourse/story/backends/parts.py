"""What every backend is: named parts, some of them missing for a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mmcourse.story.abilities import ABILITIES


@dataclass
class Parts:
    """A backend made of parts that are built when they are first needed.

    makers: for each ability that it has, its revision and what builds it.
    missing: why it has no other.
    """

    name: str
    title: str
    makers: Mapping[str, tuple[str, Callable[[], object]]]
    missing: Mapping[str, str] = field(default_factory=dict)
    _built: dict[str, object] = field(default_factory=dict, repr=False)

    def offers(self) -> Mapping[str, str]:
        """The abilities with their revisions."""
        return {ability: revision for ability, (revision, _) in self.makers.items()}

    def lacks(self) -> Mapping[str, str]:
        """The other abilities, each with the reason."""
        return {
            ability: self.missing.get(ability, "does not do this")
            for ability in ABILITIES
            if ability not in self.makers
        }

    def ability(self, name: str) -> object:
        """The part that does it.

        Raises:
            ValueError: it has no such part.
        """
        if name not in self.makers:
            raise ValueError(f"{self.name} is no {name}: {self.lacks().get(name, 'no ability')}")
        if name not in self._built:
            self._built[name] = self.makers[name][1]()
        return self._built[name]
