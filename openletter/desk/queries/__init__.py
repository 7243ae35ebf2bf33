"""What the pages show, counted in the database; every row is reached through its partners."""
