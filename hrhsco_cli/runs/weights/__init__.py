"""Weights from elsewhere: read without running code, renamed, fitted into a network."""
