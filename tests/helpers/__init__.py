"""What tests share: calling commands, small data sets, damaged files, the GPU."""
