"""The same models, of the same sizes, in one run: SPIN, TLC, Stateright, Storm, and the engines of this project."""
