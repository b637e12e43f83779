"""One thin file a command: read the call, run the work, print the outcome."""
