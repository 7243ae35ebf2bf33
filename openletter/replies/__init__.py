"""What comes back, read as hostile input, and what it changes."""
