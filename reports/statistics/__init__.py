"""What samples allow to say: differences, intervals, power, and what rounding makes of errors."""
