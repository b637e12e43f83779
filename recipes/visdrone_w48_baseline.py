"""YOLC as published: HRNet-W48 and the x4 head on VisDrone at 1024x640.

Data: hrhsco data convert visdrone FOLDER data/visdrone
Command: hrhsco train visdrone_w48_baseline --data data/visdrone --device cuda
Cost: 48 epochs of 5 passes; not run by the authors of this tool, who had no GPU.
Expect: published results of YOLC stand in arXiv 2404.06180; its second pass is not part of this.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data
