"""Who can be asked: `world` (exact), `tiny` (this course's weights), `hub` (pretrained models by
name) and `fake` (for tests)."""
