"""What is run: mmengine configs and grid files, no logic."""
