"""What is known: measuring, comparing, drawing and writing. Data frames in; figures and pages out."""
