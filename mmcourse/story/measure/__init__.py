"""How good is a storyteller? Measures of its pictures, its memory and its text, each with what it
must notice. Whoever looks at pictures here neither drew nor checked them."""
