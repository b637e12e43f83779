"""What a person types: one thin file a command, and beside them what commands stand on."""
