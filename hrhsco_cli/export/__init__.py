"""A trained network as one ONNX file, decoding included, and the check of it against torch.

Here and not in ``heads``: nothing of it decides what a network learns or detects, so that a change
makes no trial of a grid another one (``runs.identity``).
"""
