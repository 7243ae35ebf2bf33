"""What is said of an address, by whom, and what weighing concludes of it."""
