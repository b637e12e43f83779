"""HRH-SCO's own experiment, by its public config: HRNet-W48, n = 1, 640x384, a quarter of VisDrone.

Source: github.com/sivalasettylahari2005/HRH-SCO at 56e772a: configs/yolc_hrh_sco_25pct.py.
Data: hrhsco data convert visdrone FOLDER data/visdrone
Command: hrhsco train hrh_sco_published --data data/visdrone --device cuda
    then on all images: hrhsco train hrh_sco_published_finetune --data data/visdrone --device cuda
Cost: 16 epochs of 1 pass over a quarter of 6,471 images, batch 1; not run by the authors of this
    tool.
Expect: unknown; no figure of it is printed where it is published.

Not the same as there: which quarter of the images it is (the list is not published); random
numbers come in another order; the transposed convolutions' biases start at 0, there at random. As
its training there, it is scored without the second pass.
"""

_base_ = [
    "_base_/datasets/hrh_sco_published.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/hrh_sco_16e.py",
    "_base_/runtime.py",
]

model = dict(
    bbox_head=dict(
        num_classes=10,
        use_hrh_sco=True,
        heatmap_upsample_num=1,
        deformable_refine=False,
        init="yolc",
        focal_prior_bias=0.0,
    ),
    test_cfg=dict(center_source="sco", pre_peak_blur=True, peak_window="cells"),
)
