"""KIT AIS vehicles at a half to a quarter of their size, trained on 96x96 crops of real pixels.

Images: KIT AIS Data Set, CC BY 3.0. Boxes and the images that they belong to: the GitHub repository
jekhor/aerial-cars-dataset (YOLO text; hrhsco data convert yolo), sequences MOS1*, MOS* and
MunichStreet02-*. Test frames are scored
whole, padded to the network's stride, not resized. Data: the grid kit_ais_tiny makes it; by hand:
hrhsco data folds data/kit_ais_vehicles runs/folds --by MOS1,MOS,MunichStreet02 --one-class vehicle
and hrhsco data downsample runs/folds/MunichStreet02 runs/kit_ais_tiny --factor 3 --phases
"""

_base_ = ["kit_ais.py"]

input_size = (428, 125)  # the third sequence at a third: what cost is counted at
data_root = "runs/kit_ais_tiny"

train_pipeline = _base_.train_pipeline
train_pipeline[2].crop_size = (96, 96)
# The roads of one sequence run in other directions than those of the others. A recipe on this base
# imports hrhsco_cli.runs.transposing.
train_pipeline.insert(3, dict(type="RandomTranspose"))
train_dataloader = dict(
    batch_size=8,
    # 150 steps an epoch in every fold and at every factor, which have 92 to 528 images.
    sampler=dict(type="FixedLengthSampler", images=1200),
    dataset=dict(data_root=data_root, pipeline=train_pipeline),
)
test_dataloader = dict(dataset=dict(data_root=data_root))
