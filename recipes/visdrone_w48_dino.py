"""mmdet's DINO: HRNet-W48 on VisDrone, queries over strides 4 to 32.

Paper: arXiv 2203.03605.
Command: hrhsco train visdrone_w48_dino --data data/visdrone --device cuda
Cost: 677 G MACs and 84.1 M parameters (visdrone_w48_baseline 323 and 68.1), 418 G of them over
    54,400 tokens in the encoder; 48 epochs of 5 passes, not run by the authors of this tool.
Expect: unknown; data and epochs are visdrone_w48_baseline's, the optimizer is DINO's own.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/dino_hrnet_w48.py",
    "_base_/schedules/dino_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data
