"""YOLC's x4 baseline, small, on rendered scenes.

Command: hrhsco train quickstart_baseline --data runs/scenes
Cost: under a minute on 2 CPU cores.
"""

_base_ = [
    "_base_/datasets/scenes.py",
    "_base_/models/yolc_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=3))  # training takes the number from the data
