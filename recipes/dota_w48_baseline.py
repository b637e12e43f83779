"""YOLC's x4 baseline, HRNet-W48, on tiles of DOTA, horizontal boxes, 1024x1024.

Data: hrhsco data convert dota DOTA data/dota, hrhsco data tiles data/dota data/dota_tiles
Command: hrhsco train dota_w48_baseline --data data/dota_tiles --device cuda
Cost: 48 epochs; not run by the authors of this tool.
Expect: no published figure: ours, for comparison. Network and schedule are YOLC's public ones (see
    yolc_published); what differs is in visdrone_w48_baseline and in the data base.
"""

_base_ = [
    "_base_/datasets/dota.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

# Training takes the number of classes from the data.
model = dict(bbox_head=dict(num_classes=15))
