"""The grammar of the world's own pen: moves on the state, told by a voice in a tone."""
