"""`python -m openletter` is the same as the command `openletter`."""

from openletter.cli import app

if __name__ == "__main__":
    app()
