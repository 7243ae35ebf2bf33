"""Foreign servers for tests: Debian's packages, unpacked below .cache and run on loopback."""
