"""How a scene becomes words, and words facts: captions, questions, stories, parsers, checks."""
