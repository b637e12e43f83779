"""The sections of a report, each from trials to Markdown."""
