"""The regression gate's files: baseline, JUnit XML."""
