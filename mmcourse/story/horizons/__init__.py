"""What lies beyond chapter 7: seven small experiments around the storyteller, one a file."""
