"""VisDrone2019-DET, trained on crops of 1024x640, tested at the images' own size, as YOLC is.

Directory: VisDrone2019-DET-train/ and VisDrone2019-DET-val/ with images/ and annotations/ in one
folder. Data: hrhsco data convert visdrone FOLDER data/visdrone
Classes: pedestrian, people, bicycle, car, van, truck, tricycle, awning-tricycle, bus, motor.
Scored by protocol visdrone, which follows the official toolkit: category 11 (others) is left out;
what lies by half or more in regions of category 0 is dropped, objects and detections alike; rows of
score 0 are excused; 500 detections an image count. YOLC's paper follows another: protocol yolc.

Crops are wider than high. The public config's come out higher than wide, and it trains on cluster
crops too: yolc_published.py.
"""

_base_ = ["scenes.py"]

input_size = (1024, 640)
protocol = "visdrone"
data_root = "data/visdrone"

train_pipeline = [
    dict(type="LoadImageFromFile", to_float32=True),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="PhotoMetricDistortion",
        brightness_delta=32,
        contrast_range=(0.5, 1.5),
        saturation_range=(0.5, 1.5),
        hue_delta=18,
    ),
    dict(
        type="RandomCenterCropPad",
        crop_size=input_size,  # width, height
        ratios=(0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
        mean=[0, 0, 0],
        std=[1, 1, 1],
        to_rgb=True,
        test_pad_mode=None,
    ),
    dict(type="Resize", scale=input_size, keep_ratio=True),
    dict(type="RandomFlip", prob=0.5),
    dict(type="PackDetInputs"),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    # Workers of their own each epoch, seeded from the training process: what makes a resumed
    # training see the same augmentation.
    persistent_workers=False,
    worker_init_fn=dict(type="keep_torch_seeds"),
    dataset=dict(
        _delete_=True,
        type="RepeatDataset",
        times=5,
        dataset=dict(
            type="CocoJsonDataset",
            data_root=data_root,
            ann_file="train.json",
            data_prefix=dict(img="images/"),
            pipeline=train_pipeline,
        ),
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    dataset=dict(data_root=data_root),
)
