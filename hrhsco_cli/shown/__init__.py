"""What commands print: tables in a terminal and progress."""
