"""UAVDT-DET at its own 1024x540, cropped and augmented as VisDrone is.

Directory: UAV-benchmark-M/M0101/img000001.jpg ..., UAV-benchmark-MOTD_v1.0/GT/M0101_gt_whole.txt
(and _gt_ignore.txt) and, if it is there, M_attr/{train,test}/, in one folder.
Data: hrhsco data convert uavdt UAVDT data/uavdt; 30 sequences train, 20 test.
Classes: car, truck, bus, scored as COCO's AP by class, as papers on detection do (protocol uavdt);
the official toolkit scores all vehicles as one class at IoU 0.7. What lies by half or more in
ignored regions is dropped, objects and detections alike.
"""

_base_ = ["visdrone.py"]

input_size = (1024, 540)
protocol = "uavdt"
data_root = "data/uavdt"

train_pipeline = _base_.train_pipeline
train_pipeline[3].crop_size = input_size  # RandomCenterCropPad: width, height
train_pipeline[4].scale = input_size
train_dataloader = dict(
    # Neighboring frames of a video are nearly the same: no repeats.
    dataset=dict(times=1, dataset=dict(data_root=data_root, pipeline=train_pipeline))
)
test_dataloader = dict(dataset=dict(data_root=data_root))
