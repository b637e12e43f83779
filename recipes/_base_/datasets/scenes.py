"""Rendered scenes with exactly known fractional centers (hrhsco data synth), 96x96 px.

Real sets have integer boxes, so an error under half a pixel cannot be told from label noise there;
here it can.
"""

# Width, height: what cost is counted at, and what any step of a pipeline takes that has this size
# here; --set input_size=[W,H] changes all of them.
input_size = (96, 96)
protocol = "dense"  # how detections are scored: hrhsco evaluate --help lists them
max_dets = None  # instead of dense's (1, 100, 500) an image and class; AP counts the last
data_root = "runs/scenes"

train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="LoadAnnotations", with_bbox=True),
    dict(
        type="RandomFlip", prob=[0.25, 0.25, 0.25], direction=["horizontal", "vertical", "diagonal"]
    ),
    dict(type="PackDetInputs"),
]
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale_factor=1.0),  # not resized; notes the scale for decoding
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    worker_init_fn=dict(type="keep_torch_seeds"),  # should there be workers
    sampler=dict(type="DefaultSampler", shuffle=True),
    dataset=dict(
        type="CocoJsonDataset",
        data_root=data_root,
        ann_file="train.json",
        data_prefix=dict(img="images/"),
        pipeline=train_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="CocoJsonDataset",
        data_root=data_root,
        ann_file="val.json",
        data_prefix=dict(img="images/"),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_cfg = dict(type="TestLoop")
