"""Chapter 7: a storyteller of parts. State, memory and checks are here; the abilities are lent by
backends.

Start with `mmcourse.story.framework`. The contracts are in `abilities`; a story's data in `facts`,
`state`, `story` and `steps`; its file in `library`.
"""
