"""What is known: measuring, comparing, drawing and writing. Frames in; figures and pages out."""
