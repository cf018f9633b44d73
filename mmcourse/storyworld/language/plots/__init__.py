"""The plots that StoryWorld knows: see `grammar` for how one is written."""

from mmcourse.storyworld.language.plots import giving, learning, lost, ways
from mmcourse.storyworld.language.plots.grammar import Beat, Fork, Plot, lines_of

PLOTS: tuple[Plot, ...] = (*lost.PLOTS, *giving.PLOTS, *learning.PLOTS, *ways.PLOTS)

__all__ = ["PLOTS", "Beat", "Fork", "Plot", "lines_of"]
