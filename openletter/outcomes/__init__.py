"""Later looks at the sources and what became of each case."""
