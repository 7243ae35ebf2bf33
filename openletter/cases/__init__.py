"""One case per campaign, address and weakness: states, links, references."""
