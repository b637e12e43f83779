"""HRH-SCO's own second stage: hrh_sco_published trained on with all of VisDrone.

Source: github.com/sivalasettylahari2005/HRH-SCO at 56e772a: configs/yolc_hrh_sco_100pct.py.
Data: hrhsco data convert visdrone FOLDER data/visdrone
Command: hrhsco train hrh_sco_published_finetune --data data/visdrone --device cuda
    which starts from runs/hrh_sco_published; --weights names another run.
Cost: 16 epochs of 1 pass, batch 1; not run by the authors of this tool.
Expect: unknown; no figure of it is printed where it is published.
"""

_base_ = ["hrh_sco_published.py"]

load_from = "runs/hrh_sco_published"
train_dataloader = dict(num_workers=2, dataset=dict(dataset=dict(every=1)))
optim_wrapper = dict(optimizer=dict(lr=0.001))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=501),
    dict(type="MultiStepLR", by_epoch=True, milestones=[8, 12], gamma=0.1),
]
