"""What there is: scenes as data, how they are sampled, and what is true in them."""
