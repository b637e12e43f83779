"""Closed-form refinements as loops over cells of a whole map, one peak at a time, in float64."""

import math

import numpy as np

FLOOR, LIMIT = 1e-10, 1.0


def seen(heat, peak, dx, dy):
    """Score of a cell beside the peak; beyond a border, of the cell opposite; else nothing."""
    (height, width), (px, py) = heat.shape, peak
    x = px + dx if 0 <= px + dx < width else px - dx
    y = py + dy if 0 <= py + dy < height else py - dy
    return float(heat[y, x]) if 0 <= x < width and 0 <= y < height else 0.0


def limited(step):
    return [min(max(each, -LIMIT), LIMIT) for each in step]


def parabola(heat, peak):
    step = []
    for ax, ay in ((1, 0), (0, 1)):
        before, at, after = (
            math.log(max(seen(heat, peak, k * ax, k * ay), FLOOR)) for k in (-1, 0, 1)
        )
        curved = 2 * at - before - after
        step.append((after - before) / (2 * curved) if curved > 1e-6 else 0.0)
    return limited(step)


def dark(heat, peak, sigma):
    sigma = min(sigma, 2.0)
    taps = range(-5, 6)
    kernel = {t: math.exp(-(t**2) / (2 * sigma**2)) for t in taps}
    total = sum(kernel.values())
    smooth = {}
    for dy in range(-2, 3):
        for dx in range(-2, 3):
            smooth[dx, dy] = sum(
                kernel[tx] / total * kernel[ty] / total * seen(heat, peak, dx + tx, dy + ty)
                for ty in taps
                for tx in taps
            )
    before = max(seen(heat, peak, dx, dy) for dx, dy in smooth)
    highest = max(max(smooth.values()), FLOOR)
    log = {at: math.log(max(value * before / highest, FLOOR)) for at, value in smooth.items()}
    slope = np.array([log[1, 0] - log[-1, 0], log[0, 1] - log[0, -1]]) / 2
    xx = (log[2, 0] - 2 * log[0, 0] + log[-2, 0]) / 4
    yy = (log[0, 2] - 2 * log[0, 0] + log[0, -2]) / 4
    xy = (log[1, 1] - log[1, -1] - log[-1, 1] + log[-1, -1]) / 4
    hessian = np.array([[xx, xy], [xy, yy]])
    if max(xx, yy) >= -1e-6 or np.linalg.det(hessian) <= 1e-12:
        return [0.0, 0.0]
    return limited(-np.linalg.solve(hessian, slope))


def centroid(heat, peak, reach):
    total, moment = 0.0, np.zeros(2)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            value = seen(heat, peak, dx, dy)
            total += value
            moment += value * np.array([dx, dy])
    return limited(moment / total) if total > FLOOR else [0.0, 0.0]
