"""Slow, obvious versions that the code is held against; they share nothing with it."""
