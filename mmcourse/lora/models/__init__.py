"""Four vision-language models of the real architectures, in StoryWorld's words.

`words` is the tokenizer they share, `shapes` their sizes, `folders` builds models and processors
that `AutoProcessor` loads, `targets` says what LoRA adapts in each, `collate` makes batches with
labels, `tasks` asks and answers, `train` and `recipe` train. transformers is imported when one of
them is built, not before.
"""
