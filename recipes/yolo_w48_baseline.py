"""YOLC's x4 baseline, HRNet-W48, on any YOLO folder (or COCO), crops of 640x640.

Data: hrhsco data convert yolo FOLDER data/mine
Command: hrhsco train yolo_w48_baseline --data data/mine --device cuda
Cost: 48 epochs; not run by the authors of this tool.
Expect: no published figure: ours, for comparison. Network and schedule are YOLC's public ones (see
    yolc_published); what differs is in visdrone_w48_baseline and in the data base.
"""

_base_ = [
    "_base_/datasets/crops.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

# Training takes the number of classes from the data.
model = dict(bbox_head=dict(num_classes=80))
