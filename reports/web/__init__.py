"""A report as one page that people read in a browser: offline, in one file, with linked charts."""
